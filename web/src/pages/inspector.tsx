// Any telegram pasted as hex. The key is used for this answer only and goes nowhere else.
import { useEffect, useId, useState } from 'preact/hooks';
import { post } from '../api/client';
import type { Explain } from '../api/types';
import { t } from '../model/i18n';
import { parseHex } from '../model/hex';
import { query, setQuery } from '../live/router';
import { useAction } from '../live/resource';
import { ExplainView } from '../parts/explain';
import { TextField } from '../parts/fields';
import { ActionError, FieldError } from '../parts/states';

const MAX_IN_URL = 1200;

export default function InspectorPage() {
  const [hex, setHex] = useState(query.peek()['hex'] ?? '');
  const [key, setKey] = useState('');
  const [result, setResult] = useState<Explain | null>(null);
  const [wrong, setWrong] = useState<{ field: 'hex' | 'key'; text: string } | null>(null);
  const action = useAction();
  const id = useId();
  const parsed = parseHex(hex);

  const explain = async (text: string): Promise<void> => {
    const h = parseHex(text);
    const k = parseHex(key);
    if (h.error || h.bytes.length === 0) { setWrong({ field: 'hex', text: h.error ? t(h.error.what === 'odd' ? 'inspector.odd' : 'inspector.badChar', { char: text[h.error.at] ?? '' }) : t('inspector.missing') }); return; }
    if (key.trim() && (k.error || ![8, 16].includes(k.bytes.length))) { setWrong({ field: 'key', text: t('inspector.badKey') }); return; }
    setWrong(null);
    const clean = [...h.bytes].map((b) => b.toString(16).padStart(2, '0')).join('').toUpperCase();
    await action.run(async () => {
      setResult(await post<Explain>('/explain', { hex: clean, ...(key.trim() ? { key: [...k.bytes].map((b) => b.toString(16).padStart(2, '0')).join('') } : {}) }));
      setQuery({ hex: clean.length <= MAX_IN_URL ? clean : '' });
    });
  };
  useEffect(() => { if (hex) void explain(hex); }, []);

  return (
    <>
      <div class="crumbs"><a href="/frames">{t('nav.frames')}</a></div>
      <div class="page-head"><h1>{t('inspector.paste')}</h1></div>
      <form class="card card-body paste" onSubmit={(e) => { e.preventDefault(); void explain(hex); }}>
        <div class="field">
          <label for={id}>{t('inspector.hex')}</label>
          <textarea id={id} value={hex} spellcheck={false} autocomplete="off" autocapitalize="none" placeholder={t('inspector.placeholder')} aria-invalid={wrong?.field === 'hex' ? true : undefined} aria-describedby={id + 'h'}
            onInput={(e) => { setHex(e.currentTarget.value); setWrong(null); }}
            onPaste={(e) => { const text = e.clipboardData?.getData('text') ?? ''; if (!hex.trim() && text) setTimeout(() => void explain(text), 0); }}
            onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); void explain(hex); } }} />
          <p class="field-hint" id={id + 'h'}>{hex.trim() && !parsed.error ? t('inspector.count', { n: parsed.bytes.length }) : t('inspector.hexHint')}</p>
          <FieldError text={wrong?.field === 'hex' ? wrong.text : null} />
        </div>
        <TextField label={t('inspector.key')} hint={t('inspector.keyHint')} value={key} onChange={(v) => { setKey(v); setWrong(null); }} error={wrong?.field === 'key' ? wrong.text : null} autocomplete="off" spellcheck={false} />
        <div class="form-actions"><button type="submit" class="btn btn-primary" disabled={action.busy}>{t('inspector.explain')}</button></div>
        <ActionError error={action.error} />
      </form>
      {result && <ExplainView e={result} title={t('inspector.pasted')} />}
    </>
  );
}
