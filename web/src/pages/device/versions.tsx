// All versions of a value with who brought them and why, and the form for another one (MET-14).
import { useRef, useState } from 'preact/hooks';
import { ApiError, get, post } from '../../api/client';
import type { Point, Version } from '../../api/types';
import { t, word, type Key } from '../../model/i18n';
import { plainDecimal } from '../../model/numbers';
import { dateTime, fromInput, parse, toInput } from '../../model/time';
import { unitText } from '../../model/units';
import { serverNow } from '../../live/clock';
import { useResource } from '../../live/resource';
import { may } from '../../live/session';
import { Dialog } from '../../parts/dialog';
import { CheckField, Choices, SelectField, TextField } from '../../parts/fields';
import { FormButtons, useForm } from '../../parts/form';
import { Icon } from '../../parts/icon';
import { ActionError, Empty, Loaded } from '../../parts/states';
import { isAbsent, isNumeric, keyTitle, Time, ValueText } from '../../parts/value';
import plusIcon from '../../icons/plus.svg';

/** A value of the list: the time of its reading, the registers this reading has, the one to begin with. */
export interface Spot { time: string; points: number[]; point: number }

const QUALITIES = ['manual', 'estimated', 'corrected'] as const;
const REASON_MAX = 199;

const name = (p: Point): string => keyTitle(p.key, p.label) + (unitText(p.unit) ? ` [${unitText(p.unit)}]` : '');
const iso = (ms: number): string => new Date(ms).toISOString();

interface Draft { key?: string; time?: string; value: string; quality: string; reason: string; confirm: boolean }
interface EntryProps { device: number; points: Point[]; onClose: () => void; onSaved: () => void; quality: (typeof QUALITIES)[number] }

/** Register and time are fields only where they are not given: with `time` the first point is the one. */
function EntryForm({ device, points, time, quality, onClose, onSaved }: EntryProps & { time?: number }) {
  const { f, action, send, change, bad } = useForm<Draft>({ ...(time === undefined ? { key: String(points[0]!.point), time: toInput(serverNow()) } : {}), value: '', quality, reason: '', confirm: false });
  const p = points.find((x) => String(x.point) === f.key) ?? points[0]!;
  const at = time ?? fromInput(f.time ?? '');
  const value = plainDecimal(f.value);
  const found = at === null ? { field: 'time', text: t('versions.timeMissing') } : value === null ? { field: 'value', text: t('versions.numberMissing') } : null;
  const save = async (): Promise<void> => {
    const r = await post<{ stored: boolean }>(`/devices/${device}/values`, { key: p.key, ...(p.unit ? { unit: p.unit } : {}), value, time: iso(at!), quality: f.quality, reason: f.reason.trim(), ...(f.confirm ? { confirm: true } : {}) });
    if (!r.stored) throw new ApiError(200, 'KNOWN', t('versions.known'), 'value');
  };
  // What was refused for going backwards may be confirmed; another number has to be refused anew.
  const backwards = bad('confirm');
  const [doubted, doubt] = useState<string | null>(null);
  if (backwards && doubted !== f.value) doubt(f.value);
  const asks = backwards !== null || (doubted !== null && doubted === f.value);
  return (
    <form class="form" onSubmit={send(found, save, () => { onClose(); onSaved(); })} noValidate>
      {time === undefined && <SelectField label={t('versions.register')} value={f.key!} onChange={(key) => change({ key })} options={points.map((x) => [String(x.point), name(x)])} error={bad('key')} />}
      {time === undefined && <TextField type="datetime-local" label={t('versions.time')} hint={t('versions.timeHint')} value={f.time!} onChange={(x) => change({ time: x })} error={bad('time')} required />}
      <TextField inputMode="decimal" label={unitText(p.unit) ? `${t('versions.value')} [${unitText(p.unit)}]` : t('versions.value')} value={f.value} onChange={(x) => change({ value: x, confirm: false })} error={bad('value') ?? backwards} autocomplete="off" autofocus={time !== undefined} required />
      <Choices legend={t('versions.quality')} value={f.quality} onChange={(x) => change({ quality: x })} options={QUALITIES.map((q) => ({ value: q, title: word('quality', q), text: t(`versions.${q}Text` as Key) }))} />
      <TextField label={t('versions.reason')} hint={t('versions.reasonHint')} value={f.reason} onChange={(reason) => change({ reason })} error={bad('reason')} autocomplete="off" maxLength={REASON_MAX} required />
      {asks && <CheckField label={t('versions.confirm')} hint={t('versions.confirmHint')} checked={f.confirm} onChange={(confirm) => change({ confirm })} />}
      <ActionError error={action.error} />
      <FormButtons busy={action.busy} onClose={onClose} />
    </form>
  );
}

function VersionRow({ v, p }: { v: Version; p: Point }) {
  const quality = word('quality', v.quality);
  const source = word('source', v.source);
  return (
    <tr>
      <td>
        <ValueText v={{ ...v, unit: p.unit, quantity: p.quantity }} /> {v.shown && <span class="badge badge-accent">{t('versions.shown')}</span>}
        <small class="phone-line grey wrap">{[dateTime(v.received, true), ...(isAbsent(v) ? [] : [quality]), source, v.author, v.reason].filter(Boolean).join(', ')}</small>
      </td>
      <td class="phone-hide-cell">{quality}</td><td class="phone-hide-cell">{source}</td><td class="phone-hide-cell"><Time iso={v.received} seconds /></td>
      <td class="phone-hide-cell">{v.author}</td><td class="wrap phone-hide-cell">{v.reason}</td>
      <td class="num">{v.frame !== null && <a href={`/frames/${v.frame}`}>{v.frame}</a>}</td>
    </tr>
  );
}

function VersionTable({ versions, p }: { versions: Version[]; p: Point }) {
  const label = t('versions.label', { name: keyTitle(p.key, p.label) });
  return (
    <div class="table-box versions" tabIndex={0} role="region" aria-label={label}>
      <table class="table counting-table">
        <thead><tr>
          <th>{t('versions.value')}</th><th class="phone-hide-cell">{t('values.quality')}</th><th class="phone-hide-cell">{t('values.source')}</th><th class="phone-hide-cell">{t('readings.received')}</th>
          <th class="phone-hide-cell">{t('versions.author')}</th><th class="phone-hide-cell">{t('versions.reason')}</th><th class="num">{t('readings.telegram')}</th>
        </tr></thead>
        <tbody>{versions.map((v, i) => <VersionRow key={i} v={v} p={p} />)}</tbody>
      </table>
    </div>
  );
}

/** What is right to begin with: a good value is corrected, a missing one is typed in. */
const usual = (versions: Version[]): EntryProps['quality'] => (versions.some((v) => v.shown && !isAbsent(v)) ? 'corrected' : 'manual');

function Versions({ device, p, time, onChange }: { device: number; p: Point; time: number; onChange: () => void }) {
  const history = useResource(`v${p.point}:${time}`, (s) => get<{ items: Version[] }>(`/points/${p.point}/history`, { from: iso(time), to: iso(time + 1) }, s));
  const [open, show] = useState(false);
  // The form is gone when it closes: the focus goes back to what opened it.
  const back = useRef(false);
  const refocus = (el: HTMLElement | null): void => { if (el && back.current) { back.current = false; el.focus(); } };
  const close = (): void => { back.current = true; show(false); };
  const allowed = may('reading.write') && isNumeric(p);
  return (
    <Loaded from={history} what={t('versions.failed')} rows={2}>
      {({ items }) => (
        <>
          {items.length > 0 ? <VersionTable versions={items} p={p} /> : <Empty title={t('versions.none')} text={t('versions.noneText')} />}
          {allowed && !open && <div class="form-actions"><button type="button" class="btn" ref={refocus} onClick={() => show(true)}><Icon svg={plusIcon} />{t('versions.another')}</button></div>}
          {allowed && open && <EntryForm device={device} points={[p]} time={time} quality={usual(items)} onClose={close} onSaved={() => { history.reload(); onChange(); }} />}
        </>
      )}
    </Loaded>
  );
}

/** What a person reads off a meter of this kind, though it has never sent it. */
const READABLE: Record<string, [string, string][]> = {
  heat_meter: [['energy', 'kWh'], ['energy', 'MWh'], ['volume', 'm3']],
  cooling_meter: [['cooling_energy', 'kWh'], ['cooling_energy', 'MWh'], ['volume', 'm3']],
  electricity_meter: [['active_energy_import', 'kWh'], ['active_energy_export', 'kWh']],
  hca: [['hca_units', 'hca']],
};
const USUAL_READABLE: [string, string][] = [['volume', 'm3']];

function others(points: Point[], kind: string): Point[] {
  return (READABLE[kind] ?? USUAL_READABLE).filter(([key]) => !points.some((p) => p.key === key))
    .map(([key, unit], i) => ({ point: -1 - i, key, name: key, label: '', unit, kind: 'decimal', quantity: '', aggregation: 'counter' }));
}

export interface VersionsProps { device: number; kind: string; points: Point[]; spot: Spot | null; onClose: () => void; onChange: () => void }

/** Over the list of readings: the versions of one value, or without a spot the form for a value at any time. */
export default function VersionsDialog({ device, kind, points, spot, onClose, onChange }: VersionsProps) {
  const [chosen, choose] = useState(spot?.point);
  const mine = points.filter((p) => spot?.points.includes(p.point));
  const p = mine.find((x) => x.point === chosen);
  const time = parse(spot?.time);
  if (!p || time === null) return <Dialog title={t('readings.enter')} onClose={onClose}><EntryForm device={device} points={[...points.filter(isNumeric), ...others(points, kind)]} quality="manual" onClose={onClose} onSaved={onChange} /></Dialog>;
  return (
    <Dialog title={t('versions.title', { time: dateTime(time, true) })} onClose={onClose} wide>
      <SelectField label={t('versions.register')} value={String(p.point)} onChange={(x) => choose(Number(x))} options={mine.map((x) => [String(x.point), name(x)])} />
      <Versions key={p.point} device={device} p={p} time={time} onChange={onChange} />
    </Dialog>
  );
}
