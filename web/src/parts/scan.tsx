// Searching a line for devices: options, live progress, found devices to adopt.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, post } from '../api/client';
import type { Device, Found, Job, Line } from '../api/types';
import { t, word } from '../model/i18n';
import { parseDecimal } from '../model/numbers';
import { isRunning } from '../model/status';
import { useAction } from '../live/resource';
import { CheckField, SelectField, TextField } from './fields';
import { cancelJob, JobProgress, useJobDetail } from './job-progress';
import { formOfFound, inputOf, mediumOf } from './device-form';
import { ActionError, Empty, errorText } from './states';
import { Status } from './status';
import { toast } from './toast';
import { ago } from '../live/clock';

export const foundKey = (f: Found): string => [f.manufacturer, f.serial, f.version, f.medium, f.primary_address, f.unit_id].join('|');

export const kindOf = (f: Found): string => f.kind || 'generic';
const busAddress = (f: Found): string => String(f.primary_address ?? (f.unit_id || ''));

export function FoundTable({ items, chosen, toggle, radio = false }: { items: Found[]; chosen: Set<string>; toggle: (key: string) => void; radio?: boolean }) {
  return (
    <div class="table-box found-box">
      <table class="table table-mid">
        <thead><tr><th><span class="sr">{t('list.select')}</span></th><th>{t('col.serial')}</th><th>{t('col.manufacturer')}</th><th>{t('col.medium')}</th>{!radio && <th class="num">{t('col.busAddress')}</th>}<th>{t('col.profile')}</th>{radio && <><th class="num">{t('frames.signal')}</th><th>{t('scan.lastHeard')}</th></>}</tr></thead>
        <tbody>
          {items.map((f) => {
            const key = foundKey(f);
            return (
              <tr key={key}>
                <td>{f.known ? <Status mark="normal" word={t('scan.known')} quiet /> : <input type="checkbox" checked={chosen.has(key)} aria-label={t('scan.choose', { name: f.serial || busAddress(f) })} onChange={() => toggle(key)} />}</td>
                <td class="mono">{f.serial || '–'}</td><td>{f.manufacturer}</td><td>{word('medium', f.medium_text)}</td>
                {!radio && <td class="num">{busAddress(f)}</td>}
                <td>{f.profile_title || f.profile || <span class="grey">{t('scan.noProfile')}</span>} {f.encrypted && <span class="badge">{t('scan.encrypted')}</span>} {f.known && <span class="badge">{t('scan.known')}</span>}</td>
                {radio && <><td class="num">{f.signal_dbm ? `${f.signal_dbm} dBm` : ''}</td><td class="nowrap">{ago(f.last_heard)}</td></>}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Adds the chosen devices one after the other; what fails is named, the rest is added. */
export async function adopt(items: Found[], line: Line | null): Promise<Device[]> {
  const added: Device[] = [];
  for (const f of items) {
    try {
      const medium = mediumOf(line?.kind);
      const r = inputOf(formOfFound(f, line?.id ?? null, kindOf(f)), medium);
      if (r.wrong) throw new ApiError(-1, 'FORM', r.wrong.text);
      added.push(await post<Device>('/devices', r.input));
    } catch (e) {
      toast(`${f.serial}: ${e instanceof ApiError ? errorText(e) : String(e)}`, { error: true });
    }
  }
  if (added.length) toast(t('scan.added', { n: added.length }));
  return added;
}

export function ScanPanel({ line, onAdded, onClose }: { line: Line; onAdded: (devices: Device[]) => void; onClose: () => void }) {
  const modbus = line.kind.startsWith('modbus');
  const [mode, setMode] = useState(modbus ? 'unit' : 'secondary');
  const [first, setFirst] = useState(modbus ? '1' : '0');
  const [last, setLast] = useState(modbus ? '20' : '250');
  const [wildcard, setWildcard] = useState('');
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const [id, setId] = useState<number | null>(null);
  const [chosen, choose] = useState<Set<string>>(new Set());
  const action = useAction();
  const adding = useAction();
  const job = useJobDetail(id);
  const results = job?.results ?? [];
  const running = id !== null && (!job || isRunning(job.state));
  const fresh = results.filter((f) => !f.known);

  // Closing the dialog ends the search: nobody is looking at it any more.
  const open = useRef<number | null>(null);
  open.current = running ? id : null;
  useEffect(() => () => { if (open.current !== null) cancelJob(open.current).catch(() => undefined); }, []);

  const begin = async (e: Event): Promise<void> => {
    e.preventDefault();
    const a = parseDecimal(first);
    const b = parseDecimal(last);
    const top = modbus ? 255 : 250;
    if (mode !== 'secondary' && (a === null || b === null || a < 0 || b > top || a > b)) { setWrong({ field: 'range', text: t('scan.rangeWrong', { top }) }); return; }
    if (mode === 'secondary' && wildcard && !/^[0-9A-Fa-f]{8}$/.test(wildcard)) { setWrong({ field: 'wildcard', text: t('scan.wildcardWrong') }); return; }
    setWrong(null);
    choose(new Set());
    await action.run(async () => {
      const j = await post<Job>(`/lines/${line.id}/scan`, mode === 'secondary' ? { mode, wildcard: (wildcard || 'FFFFFFFF').toUpperCase() } : { mode, first: a, last: b });
      setId(j.id);
    });
  };
  const toggle = (key: string): void => { const next = new Set(chosen); if (!next.delete(key)) next.add(key); choose(next); };

  return (
    <>
      <form class="form form-full" onSubmit={begin} noValidate>
        <div class="form-grid">
          {!modbus && <SelectField label={t('scan.mode')} value={mode} onChange={setMode} options={[['secondary', t('scan.secondary')], ['primary', t('scan.primary')]]} />}
          {mode === 'secondary'
            ? <TextField label={t('scan.wildcard')} hint={t('scan.wildcardHint')} value={wildcard} onChange={setWildcard} error={wrong?.field === 'wildcard' ? wrong.text : null} placeholder="FFFFFFFF" spellcheck={false} />
            : <>
              <TextField label={t(modbus ? 'scan.firstUnit' : 'scan.first')} value={first} onChange={setFirst} inputMode="numeric" error={wrong?.field === 'range' ? wrong.text : null} />
              <TextField label={t(modbus ? 'scan.lastUnit' : 'scan.last')} value={last} onChange={setLast} inputMode="numeric" />
            </>}
        </div>
        <p class="field-hint">{t(mode === 'secondary' ? 'scan.secondaryHint' : 'scan.rangeHint')}</p>
        <ActionError error={action.error} />
        <div class="form-actions">
          {running
            ? <button type="button" class="btn" onClick={() => void cancelJob(id!).catch(() => undefined)}>{t('scan.stop')}</button>
            : <button type="submit" class="btn btn-primary" disabled={action.busy}>{t(id === null ? 'scan.start' : 'scan.again')}</button>}
        </div>
      </form>
      {job && <JobProgress job={job} />}
      {job && results.length > 0 && <FoundTable items={results} chosen={chosen} toggle={toggle} />}
      {job && !running && results.length === 0 && job.state !== 'error' && <Empty title={t('scan.nothing')} text={t('scan.nothingText')} />}
      {results.length > 0 && (
        <div class="dialog-actions">
          {fresh.length > 0 && <CheckField label={t('scan.all', { n: fresh.length })} checked={chosen.size === fresh.length} onChange={(v) => choose(v ? new Set(fresh.map(foundKey)) : new Set())} />}
          <span class="push" />
          <button type="button" class="btn" onClick={onClose}>{t('action.close')}</button>
          <button type="button" class="btn btn-primary" disabled={chosen.size === 0 || adding.busy} onClick={() => void adding.run(async () => { const done = await adopt(results.filter((f) => chosen.has(foundKey(f))), line); if (done.length) onAdded(done); })}>{t('scan.adopt', { n: chosen.size })}</button>
        </div>
      )}
    </>
  );
}
