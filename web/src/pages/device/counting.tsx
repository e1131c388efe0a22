// What people tell about a counter: exchanges and resets with their author, digits, settlement.
import { useState } from 'preact/hooks';
import { del, get, patch, post } from '../../api/client';
import type { Counting, CounterEvent, Value } from '../../api/types';
import { t, word } from '../../model/i18n';
import { decimalText, plainDecimal } from '../../model/numbers';
import { dateTime, fromInput, toInput } from '../../model/time';
import { unitText } from '../../model/units';
import { serverNow } from '../../live/clock';
import { useAction, useResource } from '../../live/resource';
import { may } from '../../live/session';
import { Confirm, Dialog } from '../../parts/dialog';
import { Choices, TextField } from '../../parts/fields';
import { FormButtons, useForm } from '../../parts/form';
import { Icon } from '../../parts/icon';
import { ActionError, Empty, FieldError, Loaded } from '../../parts/states';
import { Time } from '../../parts/value';
import editIcon from '../../icons/pencil.svg';
import plusIcon from '../../icons/plus.svg';
import trashIcon from '../../icons/trash-2.svg';

const KINDS: CounterEvent['kind'][] = ['exchange', 'reset'];
const NOTE_MAX = 120;

interface FormProps { point: number; unit: string; onClose: () => void; onSaved: () => void }

function EventForm({ point, unit, onClose, onSaved }: FormProps) {
  const { f, action, send, change, bad } = useForm({ kind: 'exchange' as CounterEvent['kind'], time: toInput(serverNow()), closing: '', opening: '', note: '' });
  const time = fromInput(f.time);
  const closing = plainDecimal(f.closing);
  const opening = plainDecimal(f.opening);
  const found = time === null ? { field: 'time', text: t('counting.timeMissing') }
    : closing === null ? { field: 'closing', text: t('counting.numberMissing') } : opening === null ? { field: 'opening', text: t('counting.numberMissing') } : null;
  const save = (): Promise<unknown> => post(`/points/${point}/counting/events`, { time: new Date(time!).toISOString().replace('.000', ''), kind: f.kind, closing, opening, note: f.note.trim() });
  return (
    <Dialog title={t('counting.add')} onClose={onClose}>
      <form class="form" onSubmit={send(found, save, () => { onClose(); onSaved(); })} noValidate>
        <Choices legend={t('counting.kind')} value={f.kind} onChange={(kind) => change({ kind: kind as CounterEvent['kind'] })} options={KINDS.map((k) => ({ value: k, title: word('counterEvent', k), text: t(k === 'exchange' ? 'counting.exchangeText' : 'counting.resetText') }))} />
        <FieldError text={bad('kind')} />
        <TextField type="datetime-local" label={t('chart.time')} hint={t('counting.timeHint')} value={f.time} onChange={(v) => change({ time: v })} error={bad('time')} required />
        <TextField inputMode="decimal" label={`${t('counting.closing')} [${unit}]`} hint={t('counting.closingHint')} value={f.closing} onChange={(v) => change({ closing: v })} error={bad('closing')} autocomplete="off" required />
        <TextField inputMode="decimal" label={`${t('counting.opening')} [${unit}]`} hint={t('counting.openingHint')} value={f.opening} onChange={(v) => change({ opening: v })} error={bad('opening')} autocomplete="off" required />
        <TextField label={t('consumption.note')} hint={t('counting.noteHint')} value={f.note} onChange={(note) => change({ note })} error={bad('note')} autocomplete="off" maxLength={NOTE_MAX} />
        <ActionError error={action.error} />
        <FormButtons busy={action.busy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

/** Ranges are the server's to check; what is no whole number never gets there. */
const whole = (text: string): number | null => (/^\d{1,3}$/.test(text.trim()) ? Number(text) : null);

function RulesForm({ point, unit, now, onClose, onSaved }: FormProps & { now: Counting }) {
  const { f, action, send, change, bad } = useForm({ digits: now.digits === null ? '' : String(now.digits), settlement_day: String(now.settlement_day), settlement_hour: String(now.settlement_hour) });
  const fields = ['digits', 'settlement_day', 'settlement_hour'] as const;
  const field = fields.find((k) => whole(f[k]) === null && !(k === 'digits' && !f.digits.trim()));
  const save = (): Promise<unknown> => patch(`/points/${point}/counting`, Object.fromEntries(fields.map((k) => [k, whole(f[k])])));
  return (
    <Dialog title={t('counting.rules')} onClose={onClose}>
      <form class="form" onSubmit={send(field ? { field, text: t('counting.wholeMissing') } : null, save, () => { onClose(); onSaved(); })} noValidate>
        <TextField inputMode="numeric" label={t('counting.digits')} hint={t('counting.digitsHint', { unit })} value={f.digits} onChange={(v) => change({ digits: v })} error={bad('digits')} autocomplete="off" />
        <TextField inputMode="numeric" label={t('counting.day')} hint={t('counting.dayHint')} value={f.settlement_day} onChange={(v) => change({ settlement_day: v })} error={bad('settlement_day')} autocomplete="off" required />
        <TextField inputMode="numeric" label={t('counting.hour')} hint={t('counting.hourHint')} value={f.settlement_hour} onChange={(v) => change({ settlement_hour: v })} error={bad('settlement_hour')} autocomplete="off" required />
        <p class="field-hint">{t('counting.wholeDevice')}</p>
        <ActionError error={action.error} />
        <FormButtons busy={action.busy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

const author = (e: CounterEvent): string => e.user_name || t('counting.nobody');
const eventName = (e: CounterEvent): string => `${word('counterEvent', e.kind)}, ${dateTime(e.time)}`;

function Events({ events, unit, onRemove }: { events: CounterEvent[]; unit: string; onRemove: ((e: CounterEvent) => void) | null }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={t('counting.events')}>
      <table class="table table-mid counting-table">
        <thead><tr>
          <th>{t('chart.time')}</th><th class="phone-hide-cell">{t('counting.kind')}</th><th class="num">{t('counting.closing')} [{unit}]</th><th class="num">{t('counting.opening')} [{unit}]</th>
          <th class="phone-hide-cell">{t('counting.by')}</th><th class="phone-hide-cell">{t('consumption.note')}</th>{onRemove && <th><span class="sr">{t('chart.actions')}</span></th>}
        </tr></thead>
        <tbody>
          {events.map((e) => (
            <tr key={e.id}>
              <td><Time iso={e.time} /><small class="phone-line grey wrap">{[word('counterEvent', e.kind), author(e), e.note].filter(Boolean).join(', ')}</small></td>
              <td class="phone-hide-cell">{word('counterEvent', e.kind)}</td><td class="num">{decimalText(String(e.closing))}</td><td class="num">{decimalText(String(e.opening))}</td>
              <td class="phone-hide-cell">{author(e)} <small class="grey nowrap">{dateTime(e.entered)}</small></td><td class="wrap phone-hide-cell">{e.note}</td>
              {onRemove && <td class="num"><button type="button" class="btn-icon small" aria-label={t('counting.remove', { event: eventName(e) })} title={t('action.delete')} onClick={() => onRemove(e)}><Icon svg={trashIcon} size={14} /></button></td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Facts = ({ c }: { c: Counting }) => (
  <dl class="facts facts-row card-body">
    <div><dt>{t('counting.digits')}</dt><dd>{c.digits ?? t('counting.unknown')}</dd></div>
    <div><dt>{t('counting.settlement')}</dt><dd>{t('counting.settlementOf', { day: c.settlement_day, hour: `${String(c.settlement_hour).padStart(2, '0')}:00` })}</dd></div>
  </dl>
);

type Open = 'add' | 'rules' | CounterEvent | null;

export function CountingCard({ value, onChange }: { value: Value; onChange: () => void }) {
  const path = `/points/${value.point}/counting`;
  const counting = useResource(`n${value.point}`, (s) => get<Counting>(path, {}, s));
  const [open, show] = useState<Open>(null);
  const action = useAction();
  const allowed = may('reading.write');
  const unit = unitText(value.unit);
  const close = (): void => { action.clear(); show(null); };
  const saved = (): void => { counting.reload(); onChange(); };
  const form = { point: value.point, unit, onClose: close, onSaved: saved };
  const remove = (e: CounterEvent): void => void action.run(async () => { await del(`${path}/events/${e.id}`); close(); saved(); });
  return (
    <section class="card counting" aria-busy={counting.loading}>
      <div class="card-head">
        <h2>{t('counting.title')}</h2>
        {allowed && counting.data && (
          <div class="form-actions">
            <button type="button" class="btn" onClick={() => show('add')}><Icon svg={plusIcon} />{t('counting.add')}</button>
            <button type="button" class="btn" onClick={() => show('rules')}><Icon svg={editIcon} />{t('counting.rules')}</button>
          </div>
        )}
      </div>
      <Loaded from={counting} what={t('counting.failed')} rows={2}>
        {(c) => (
          <>
            <Facts c={c} />
            {c.events.length > 0 ? <Events events={c.events} unit={unit} onRemove={allowed ? show : null} /> : <Empty title={t('counting.none')} text={t('counting.noneText')} />}
          </>
        )}
      </Loaded>
      {open === 'add' && <EventForm {...form} />}
      {open === 'rules' && counting.data && <RulesForm {...form} now={counting.data} />}
      {open && typeof open === 'object' && (
        <Confirm title={t('counting.remove', { event: eventName(open) })} text={t('counting.removeText')} action={t('action.delete')} danger busy={action.busy} error={<ActionError error={action.error} />}
          onClose={close} onConfirm={() => remove(open)} />
      )}
    </section>
  );
}
