// Keys: a file with its preview, keys to try on all meters, and the telegrams that waited for them. Keys go in; none comes back.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { del, get, post } from '../api/client';
import type { Backlog, DefaultKey, KeyReport, KeyResult, List } from '../api/types';
import { t, word } from '../model/i18n';
import { number } from '../model/numbers';
import { dateTime } from '../model/time';
import { ago } from '../live/clock';
import { useAction, useResource, type Resource } from '../live/resource';
import { Confirm, Dialog } from '../parts/dialog';
import { CheckField, TextField } from '../parts/fields';
import { Icon } from '../parts/icon';
import { SettingsHead } from '../parts/settings-nav';
import { ActionError, Empty, FieldError, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import plusIcon from '../icons/plus.svg';
import trashIcon from '../icons/trash-2.svg';

const MARK: Record<KeyResult, 'normal' | 'nodata' | 'medium' | 'high'> = { new: 'normal', changed: 'medium', same: 'nodata', unknown: 'nodata', bad: 'high' };
const RESULTS: KeyResult[] = ['new', 'changed', 'same', 'unknown', 'bad'];
/** Rows on screen at once; a long file is told by its counts, faults first. */
const SHOWN = 500;
const POLL_MS = 500;

function Report({ report }: { report: KeyReport }) {
  const order = [...report.rows].sort((a, b) => Number(b.result === 'bad') - Number(a.result === 'bad') || a.line - b.line);
  return (
    <div class="stack">
      <p role="status">{t(report.applied ? 'meterKeys.applied' : 'meterKeys.preview')} {RESULTS.filter((r) => report.counts[r] > 0).map((r) => `${word('keyResult', r)}: ${number(report.counts[r])}`).join(' · ')}</p>
      <div class="table-box keys-rows" tabIndex={0} role="region" aria-label={t('meterKeys.rows')}>
        <table class="table">
          <thead><tr><th class="num">{t('meterKeys.line')}</th><th>{t('meterKeys.result')}</th><th class="phone-hide-cell">{t('col.serial')}</th><th class="phone-hide-cell">{t('meterKeys.maker')}</th><th>{t('meterKeys.device')}</th></tr></thead>
          <tbody>
            {order.slice(0, SHOWN).map((r) => (
              <tr key={r.line}>
                <td class="num grey">{r.line}</td><td class="nowrap"><Status mark={MARK[r.result]} word={word('keyResult', r.result)} /><small class="phone-line grey">{[r.manufacturer, r.serial].filter(Boolean).join(' ')}</small></td>
                <td class="mono phone-hide-cell">{r.serial || '–'}</td><td class="phone-hide-cell">{r.manufacturer || '–'}</td>
                <td class="wrap">{r.text || (r.device ? <a href={`/devices/${r.device}`}>{r.device_name}</a> : <span class="grey">{t('meterKeys.noDevice')}</span>)}{r.devices > 1 && <span class="grey"> {t('meterKeys.more', { n: r.devices - 1 })}</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {order.length > SHOWN && <p class="grey small">{t('meterKeys.cut', { n: number(order.length - SHOWN) })}</p>}
    </div>
  );
}

function Import({ onApplied }: { onApplied: () => void }) {
  const [text, setText] = useState('');
  const [report, setReport] = useState<KeyReport | null>(null);
  const [missing, setMissing] = useState(false);
  const [password, setPassword] = useState('');
  const [skip, setSkip] = useState(false);
  const action = useAction();
  const id = useId();
  const file = useRef<HTMLInputElement>(null);
  const run = (apply: boolean): void => {
    setMissing(!text.trim());
    if (!text.trim()) return;
    void action.run(async () => {
      setReport(await post<KeyReport>('/keys/file', { text, apply, skip_bad: skip, ...(closed ? { password } : {}) }));
      // What was taken over need not stay on the screen.
      if (apply) { setText(''); setPassword(''); onApplied(); }
    });
  };
  const change = (v: string): void => { setText(v); setReport(null); setMissing(false); setSkip(false); };
  const closed = text.includes('CipherValue');
  const changes = report && !report.applied ? report.counts.new + report.counts.changed : 0;
  const bad = report && !report.applied ? report.counts.bad : 0;
  return (
    <section class="card">
      <div class="card-head"><h2>{t('meterKeys.import')}</h2></div>
      <form class="card-body stack" onSubmit={(e) => { e.preventDefault(); run(false); }} noValidate>
        <div class="field">
          <label for={id}>{t('meterKeys.text')}</label>
          <textarea id={id} class="mono" rows={6} value={text} spellcheck={false} autocomplete="off" autocapitalize="none" placeholder={'serial;key\n12345678;00112233445566778899AABBCCDDEEFF'} aria-describedby={id + 'h'} aria-invalid={missing ? true : undefined} onInput={(e) => change(e.currentTarget.value)} />
          <p class="field-hint" id={id + 'h'}>{t('meterKeys.textHint')}</p>
          <FieldError text={missing ? t('meterKeys.missing') : null} />
        </div>
        <input ref={file} type="file" class="sr" tabIndex={-1} aria-label={t('meterKeys.file')} accept=".csv,.txt,.tsv,.kem,.kem2,.xml,text/csv,text/plain" onChange={(e) => { const f = e.currentTarget.files?.[0]; if (f) void f.text().then(change); e.currentTarget.value = ''; }} />
        {closed && <TextField label={t('meterKeys.password')} hint={t('meterKeys.passwordHint')} value={password} onChange={(v) => { setPassword(v); setReport(null); }} autocomplete="off" spellcheck={false} />}
        <div class="form-actions">
          <button type="button" class="btn" onClick={() => file.current?.click()}>{t('meterKeys.choose')}</button>
          <button type="submit" class="btn btn-primary" disabled={action.busy}>{t('meterKeys.check')}</button>
        </div>
        <ActionError error={action.error} />
        {report && <Report report={report} />}
        {bad > 0 && changes > 0 && <CheckField label={t('meterKeys.skipBad', { n: bad })} hint={t('meterKeys.skipBadHint')} checked={skip} onChange={setSkip} />}
        {report && !report.applied && (changes > 0
          ? <div class="form-actions"><button type="button" class="btn btn-primary" disabled={action.busy || (bad > 0 && !skip)} onClick={() => run(true)}>{t('meterKeys.apply', { n: changes })}</button></div>
          : <p class="grey">{t('meterKeys.nothing')}</p>)}
      </form>
    </section>
  );
}

/** Asked for while it runs: there is nobody else to tell. */
function Waiting({ from }: { from: Resource<Backlog> }) {
  const action = useAction();
  const state = from.data?.state;
  const busy = state === 'counting' || state === 'decoding';
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(from.poll, POLL_MS);
    return () => clearInterval(timer);
  }, [busy]);
  return (
    <section class="card">
      <div class="card-head"><h2>{t('meterKeys.backlog')}</h2>
        <button type="button" class="btn" disabled={busy || action.busy} onClick={() => void action.run(async () => { await post('/keys/backlog'); from.reload(); })}>{t('meterKeys.again')}</button></div>
      <div class="card-body stack">
        <p class="grey">{t('meterKeys.backlogText')}</p>
        <Loaded from={from} what={t('meterKeys.backlogFailed')}>
          {(b) => (
            <div class="job-progress" aria-busy={busy ? 'true' : undefined}>
              <div class="job-line">
                <Status mark={b.error ? 'medium' : busy ? 'nodata' : 'normal'} word={word('backlog', b.state)} />
                {b.total > 0 && <span class="grey">{t('meterKeys.progress', { done: number(b.done), total: number(b.total), readings: number(b.readings) })}</span>}
                {b.finished && !busy && <span class="grey">{ago(b.finished)}</span>}
              </div>
              {(busy || b.state === 'done') && <div class="progress" role="progressbar" aria-label={t('meterKeys.backlog')} aria-valuemin={0} aria-valuemax={100} aria-valuenow={b.percent}><div style={{ width: `${b.percent}%` }} /></div>}
              {b.error && <p class="field-error">{b.error}</p>}
            </div>
          )}
        </Loaded>
        <ActionError error={action.error} />
      </div>
    </section>
  );
}

function Add({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState('');
  const [key, setKey] = useState('');
  const [checked, setChecked] = useState(false);
  const action = useAction();
  const badKey = !/^[0-9a-f]{32}$/i.test(key.replace(/\s/g, ''));
  const submit = (e: Event): void => {
    e.preventDefault();
    setChecked(true);
    if (!name.trim() || badKey) return;
    void action.run(async () => { await post('/keys/defaults', { name: name.trim(), key: key.replace(/\s/g, '') }); onDone(); onClose(); });
  };
  return (
    <Dialog title={t('meterKeys.addDefault')} onClose={onClose}>
      <form class="form" onSubmit={submit} noValidate>
        <TextField label={t('col.name')} value={name} onChange={setName} error={checked && !name.trim() ? t('meterKeys.nameMissing') : null} autofocus required maxLength={60} />
        <TextField label={t('meterKeys.key')} hint={t('meterKeys.keyHint')} value={key} onChange={setKey} error={checked && name.trim() && badKey ? t('meterKeys.badKey') : null} required autocomplete="off" spellcheck={false} />
        <ActionError error={action.error} />
        <div class="dialog-actions"><button type="button" class="btn" onClick={onClose}>{t('action.cancel')}</button><button type="submit" class="btn btn-primary" disabled={action.busy}>{t('meterKeys.addDefault')}</button></div>
      </form>
    </Dialog>
  );
}

function Defaults({ onChanged }: { onChanged: () => void }) {
  const keys = useResource('default-keys', (s) => get<List<DefaultKey>>('/keys/defaults', {}, s));
  const [adding, add] = useState(false);
  const [gone, setGone] = useState<DefaultKey | null>(null);
  const action = useAction();
  return (
    <section class="card">
      <div class="card-head"><h2>{t('meterKeys.defaults')}</h2><button type="button" class="btn" onClick={() => add(true)}><Icon svg={plusIcon} />{t('meterKeys.addDefault')}</button></div>
      <Loaded from={keys} what={t('meterKeys.defaultsFailed')}>
        {(l) => (l.items.length === 0 ? <Empty title={t('meterKeys.noDefaults')} text={t('meterKeys.noDefaultsText')} /> : (
          <div class="table-box">
            <table class="table table-mid">
              <thead><tr><th class="num">{t('meterKeys.order')}</th><th>{t('col.name')}</th><th>{t('users.created')}</th><th><span class="sr">{t('chart.actions')}</span></th></tr></thead>
              <tbody>{l.items.map((k, i) => (
                <tr key={k.id}><td class="num grey">{i + 1}</td><td><b>{k.name}</b></td><td class="nowrap">{dateTime(k.created)}</td>
                  <td class="num"><button type="button" class="btn-icon small" aria-label={t('meterKeys.remove', { name: k.name })} title={t('action.delete')} onClick={() => { action.clear(); setGone(k); }}><Icon svg={trashIcon} size={14} /></button></td></tr>
              ))}</tbody>
            </table>
          </div>
        ))}
      </Loaded>
      {adding && <Add onClose={() => add(false)} onDone={() => { keys.reload(); onChanged(); }} />}
      {gone && (
        <Confirm title={t('meterKeys.remove', { name: gone.name })} text={t('meterKeys.removeText')} action={t('action.delete')} danger busy={action.busy} error={<ActionError error={action.error} />}
          onClose={() => setGone(null)} onConfirm={() => void action.run(async () => { await del(`/keys/defaults/${gone.id}`); setGone(null); keys.reload(); })} />
      )}
    </section>
  );
}

export default function KeysPage() {
  const backlog = useResource('backlog', (s) => get<Backlog>('/keys/backlog', {}, s));
  return (
    <>
      <SettingsHead />
      <div class="cols cols-even">
        <Import onApplied={backlog.reload} />
        <div class="stack"><Waiting from={backlog} /><Defaults onChanged={backlog.reload} /></div>
      </div>
    </>
  );
}
