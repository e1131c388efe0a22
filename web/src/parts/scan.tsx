// Searching a line for devices: options, live progress, found devices to adopt.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get, post } from '../api/client';
import type { Device, Found, Job, Line, List, Profile } from '../api/types';
import { t, word } from '../model/i18n';
import { parseDecimal } from '../model/numbers';
import { isRunning } from '../model/status';
import { signalText } from '../model/units';
import { useAction, useResource } from '../live/resource';
import { CheckField, SelectField, TextField } from './fields';
import { cancelJob, JobProgress, useJobDetail } from './job-progress';
import { BAUDS, formOfFound, inputOf, mediumOf } from './device-form';
import { ActionError, Empty, errorText } from './states';
import { Status } from './status';
import { toast } from './toast';
import { ago } from '../live/clock';

export const foundKey = (f: Found): string => [f.manufacturer, f.serial, f.version, f.medium, f.primary_address, f.unit_id, f.baud].join('|');

export const kindOf = (f: Found): string => f.kind || 'generic';
const busAddress = (f: Found): string => String(f.primary_address ?? (f.unit_id || ''));
const nameOf = (f: Found): string => [f.manufacturer, f.serial].filter(Boolean).join(' ') || busAddress(f);
export const isNew = (f: Found): boolean => !f.known && !f.trouble;

/** What a person changed about a found device before it is added. */
export interface Choice { name?: string; profile?: string }
export type Choices = Map<string, Choice>;

function ProfileCell({ f, choice, profiles, change }: { f: Found; choice: Choice | undefined; profiles: Profile[]; change: (c: Choice) => void }) {
  if (!choice || profiles.length === 0) return <>{f.profile_title || f.profile || <span class="grey">{t('scan.noProfile')}</span>}</>;
  return (
    <select class="input" aria-label={t('scan.profileOf', { name: f.serial || busAddress(f) })} value={choice.profile ?? f.profile} onChange={(e) => change({ ...choice, profile: e.currentTarget.value })}>
      <option value="">{t('scan.autoProfile')}</option>
      {profiles.map((p) => <option key={p.name} value={p.name}>{p.title}</option>)}
    </select>
  );
}

function FoundRow({ f, choice, choose, radio, rates, profiles }: { f: Found; choice: Choice | undefined; choose: (c: Choice | null) => void; radio: boolean; rates: boolean; profiles: Profile[] }) {
  const name = f.serial || busAddress(f);
  return (
    <tr role="row">
      <td role="cell">{f.known ? <Status mark="normal" word={t('scan.known')} quiet /> : f.trouble ? <Status mark="medium" word={t(`scan.${f.trouble}`)} quiet />
        : <input type="checkbox" checked={!!choice} aria-label={t('scan.choose', { name })} onChange={() => choose(choice ? null : {})} />}</td>
      <td role="cell" class="mono" data-label={t('col.serial')}>{f.serial || '–'}</td><td role="cell" data-label={t('col.manufacturer')}>{f.manufacturer}</td><td role="cell" data-label={t('col.medium')}>{word('medium', f.medium_text)}</td>
      {!radio && <td role="cell" class="num" data-label={t('col.busAddress')}>{busAddress(f)}</td>}{rates && <td role="cell" class="num" data-label={t('scan.baud')}>{f.baud || ''}</td>}
      <td role="cell" class="found-wide" data-label={t('col.profile')}>{f.trouble ? t(`scan.${f.trouble}`) : <ProfileCell f={f} choice={choice} profiles={profiles} change={choose} />} {f.encrypted && <span class="badge">{t('scan.encrypted')}</span>} {f.known && <span class="badge">{t('scan.known')}</span>}</td>
      {!radio && <td role="cell" class="found-wide" data-label={t('col.name')}>{choice && <input class="input" aria-label={t('scan.nameOf', { name })} value={choice.name ?? nameOf(f)} onInput={(e) => choose({ ...choice, name: e.currentTarget.value })} />}</td>}
      {radio && <><td role="cell" class="num" data-label={t('frames.signal')}>{signalText(f.signal_dbm)}</td><td role="cell" class="nowrap" data-label={t('scan.lastHeard')}>{ago(f.last_heard)}</td></>}
    </tr>
  );
}

export function FoundTable({ items, chosen, choose, radio = false, profiles = [] }: { items: Found[]; chosen: Choices; choose: (next: Choices) => void; radio?: boolean; profiles?: Profile[] }) {
  const rates = items.some((f) => f.baud > 0);
  const set = (key: string, c: Choice | null): void => { const next = new Map(chosen); if (c) next.set(key, c); else next.delete(key); choose(next); };
  return (
    <div class="table-box found-box">
      <table class="table table-mid found-table" role="table">
        <thead role="rowgroup"><tr role="row"><th role="columnheader"><span class="sr">{t('list.select')}</span></th><th role="columnheader">{t('col.serial')}</th><th role="columnheader">{t('col.manufacturer')}</th><th role="columnheader">{t('col.medium')}</th>{!radio && <th role="columnheader" class="num">{t('col.busAddress')}</th>}{rates && <th role="columnheader" class="num">{t('scan.baud')}</th>}<th role="columnheader">{t('col.profile')}</th>{!radio && <th role="columnheader">{t('col.name')}</th>}{radio && <><th role="columnheader" class="num">{t('frames.signal')}</th><th role="columnheader">{t('scan.lastHeard')}</th></>}</tr></thead>
        <tbody role="rowgroup">{items.map((f) => { const key = foundKey(f); return <FoundRow key={key} f={f} choice={chosen.get(key)} choose={(c) => set(key, c)} radio={radio} rates={rates} profiles={profiles} />; })}</tbody>
      </table>
    </div>
  );
}

/** How a search by serial number finds a meter is how it is read: two may share a primary address. */
function inputOfFound(f: Found, line: Line | null, choice: Choice, secondary: boolean): ReturnType<typeof inputOf> {
  const form = formOfFound(f, line?.id ?? null, kindOf(f));
  const other = line !== null && f.baud > 0 && f.baud !== line.baud;
  const r = inputOf({
    ...form, name: (choice.name ?? nameOf(f)).trim() || nameOf(f), profile: choice.profile ?? f.profile,
    secondary: form.secondary || secondary, baud: other ? String(f.baud) : '0',
  }, mediumOf(line?.kind));
  if (f.serial) { r.input.version = f.version; r.input.medium = f.medium; }
  return r;
}

/** Adds the chosen devices one after the other; what fails is named, the rest is added. */
export async function adopt(items: Found[], line: Line | null, choices: Choices, secondary = false): Promise<Device[]> {
  const added: Device[] = [];
  for (const f of items) {
    try {
      const r = inputOfFound(f, line, choices.get(foundKey(f)) ?? {}, secondary);
      if (r.wrong) throw new ApiError(-1, 'FORM', r.wrong.text);
      added.push(await post<Device>('/devices', r.input));
    } catch (e) {
      toast(`${f.serial}: ${e instanceof ApiError ? errorText(e) : String(e)}`, { error: true });
    }
  }
  if (added.length) toast(t('scan.added', { n: added.length }));
  return added;
}

const RATES: Record<string, number[]> = { usual: [300, 2400, 9600], all: BAUDS };
const PATTERN = /^([0-9A-Fa-f?*]{1,8}(\.([A-Za-z]{3}|[0-9A-Fa-f]{4}|\*)(\.([0-9A-Fa-f]{2}|\*)){0,2})?|[0-9A-Fa-f]{16})$/;

/** What is sent to begin, or the field that has to change. */
interface Options { mode: string; first: string; last: string; wildcard: string; thorough: boolean; rates: string; modbus: boolean }
function scanOf(o: Options): { body: Record<string, unknown>; wrong: { field: string; text: string } | null } {
  const wired = o.modbus ? {} : { thorough: o.thorough, ...(RATES[o.rates] ? { bauds: RATES[o.rates] } : {}) };
  if (o.mode === 'secondary') {
    const wildcard = o.wildcard.trim().toUpperCase();
    if (wildcard && !PATTERN.test(wildcard)) return { body: {}, wrong: { field: 'wildcard', text: t('scan.wildcardWrong') } };
    return { body: { mode: o.mode, wildcard, ...wired }, wrong: null };
  }
  const a = parseDecimal(o.first);
  const b = parseDecimal(o.last);
  const top = o.modbus ? 255 : 250;
  if (a === null || b === null || a < 0 || b > top || a > b) return { body: {}, wrong: { field: 'range', text: t('scan.rangeWrong', { top }) } };
  return { body: { mode: o.mode, first: a, last: b, ...wired }, wrong: null };
}

export function ScanPanel({ line, onAdded, onClose }: { line: Line; onAdded: (devices: Device[]) => void; onClose: () => void }) {
  const modbus = line.kind.startsWith('modbus');
  const [o, set] = useState<Options>({ mode: modbus ? 'unit' : 'secondary', first: modbus ? '1' : '0', last: modbus ? '20' : '250', wildcard: '', thorough: false, rates: 'line', modbus });
  const change = <K extends keyof Options>(k: K) => (v: Options[K]): void => set({ ...o, [k]: v });
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const [id, setId] = useState<number | null>(null);
  const [secondary, setSecondary] = useState(false);
  const [chosen, choose] = useState<Choices>(new Map());
  const profiles = (useResource('profiles', (s) => get<List<Profile>>('/profiles', { limit: 1000 }, s)).data?.items ?? []).filter((p) => p.protocol.includes('modbus') === modbus);
  const action = useAction();
  const adding = useAction();
  const job = useJobDetail(id);
  const results = job?.results ?? [];
  const running = id !== null && (!job || isRunning(job.state));
  const fresh = results.filter(isNew);

  // Closing the dialog ends the search: nobody is looking at it any more.
  const open = useRef<number | null>(null);
  open.current = running ? id : null;
  useEffect(() => () => { if (open.current !== null) cancelJob(open.current).catch(() => undefined); }, []);

  const begin = async (e: Event): Promise<void> => {
    e.preventDefault();
    const r = scanOf(o);
    setWrong(r.wrong);
    if (r.wrong) return;
    choose(new Map());
    setSecondary(o.mode === 'secondary');
    await action.run(async () => { setId((await post<Job>(`/lines/${line.id}/scan`, r.body)).id); });
  };
  const add = async (): Promise<void> => {
    const done = await adopt(results.filter((f) => chosen.has(foundKey(f))), line, chosen, secondary);
    if (done.length) onAdded(done);
  };

  return (
    <>
      <form class="form form-full" onSubmit={begin} noValidate>
        <div class="form-grid">
          {!modbus && <SelectField label={t('scan.mode')} value={o.mode} onChange={change('mode')} options={[['secondary', t('scan.secondary')], ['primary', t('scan.primary')]]} />}
          {o.mode === 'secondary'
            ? <TextField label={t('scan.wildcard')} hint={t('scan.wildcardHint')} value={o.wildcard} onChange={change('wildcard')} error={wrong?.field === 'wildcard' ? wrong.text : null} maxLength={31} spellcheck={false} />
            : <>
              <TextField label={t(modbus ? 'scan.firstUnit' : 'scan.first')} value={o.first} onChange={change('first')} inputMode="numeric" error={wrong?.field === 'range' ? wrong.text : null} />
              <TextField label={t(modbus ? 'scan.lastUnit' : 'scan.last')} value={o.last} onChange={change('last')} inputMode="numeric" />
            </>}
          {line.kind === 'mbus-serial' && <SelectField label={t('scan.bauds')} value={o.rates} onChange={change('rates')} options={[['line', t('scan.baudLine', { n: line.baud })], ['usual', t('scan.baudUsual')], ['all', t('scan.baudAll')]]} />}
          {!modbus && <CheckField label={t('scan.thorough')} hint={t('scan.thoroughHint')} checked={o.thorough} onChange={change('thorough')} />}
        </div>
        <p class="field-hint">{t(o.mode === 'secondary' ? 'scan.secondaryHint' : 'scan.rangeHint')}</p>
        <ActionError error={action.error} />
        <div class="form-actions">
          {running
            ? <button type="button" class="btn" onClick={() => void cancelJob(id!).catch(() => undefined)}>{t('scan.stop')}</button>
            : <button type="submit" class="btn btn-primary" disabled={action.busy}>{t(id === null ? 'scan.start' : 'scan.again')}</button>}
        </div>
      </form>
      {job && <JobProgress job={job} />}
      {job && results.length > 0 && <FoundTable items={results} chosen={chosen} choose={choose} profiles={profiles} />}
      {job && !running && results.length === 0 && job.state !== 'error' && <Empty title={t('scan.nothing')} text={t('scan.nothingText')} />}
      {results.length > 0 && (
        <div class="dialog-actions">
          {fresh.length > 0 && <CheckField label={t('scan.all', { n: fresh.length })} checked={chosen.size === fresh.length} onChange={(v) => choose(v ? new Map(fresh.map((f) => [foundKey(f), chosen.get(foundKey(f)) ?? {}])) : new Map())} />}
          <span class="push" />
          <button type="button" class="btn" onClick={onClose}>{t('action.close')}</button>
          <button type="button" class="btn btn-primary" disabled={chosen.size === 0 || adding.busy} onClick={() => void adding.run(add)}>{t('scan.adopt', { n: chosen.size })}</button>
        </div>
      )}
    </>
  );
}
