// How long readings stay, the backups of the store, and how the store is.
import { useEffect, useState } from 'preact/hooks';
import { get, patch, post } from '../api/client';
import type { Backups, Overview, Retention, RetentionPlan } from '../api/types';
import { t, word, type Key } from '../model/i18n';
import { bytes, number } from '../model/numbers';
import { BACKUP_MARK } from '../model/status';
import { date, dateTime, parse } from '../model/time';
import { ago, now } from '../live/clock';
import { useAction, useResource } from '../live/resource';
import { Dialog } from '../parts/dialog';
import { CheckField, TextField } from '../parts/fields';
import { FormButtons, useForm } from '../parts/form';
import { Icon } from '../parts/icon';
import { SettingsHead } from '../parts/settings-nav';
import { ActionError, Empty, FieldError, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import { Time } from '../parts/value';
import editIcon from '../icons/pencil.svg';
import plusIcon from '../icons/plus.svg';

const POLL_MS = 1000;
const CHECK = 'hypocaust doctor --data …';
const SWITCH_ON = 'hypocaust serve --backup-to /mnt/backup/hypocaust --backup-at 02:30 --backup-keep 7';
const day = (iso: string | null): string => { const ms = parse(iso); return ms === null ? '' : date(ms); };
const hourText = (n: number): string => `${String(n).padStart(2, '0')}:00`;
const months = (n: number): string => t('keeping.months', { n });

/** The rule in whole sentences: what stays, what stays of it, what goes. */
function sentences(r: Retention): string[] {
  const thin = r.full_months > 0;
  const gone = r.day_months > 0;
  return [
    thin ? t('keeping.full', { months: months(r.full_months) }) : gone ? t('keeping.fullUntil', { months: months(r.day_months) }) : t('keeping.fullEver'),
    thin ? t('keeping.thinned', { hour: hourText(r.day_hour) }) : '',
    gone ? t('keeping.gone', { months: months(r.day_months) }) : thin ? t('keeping.never') : '',
    thin ? t('keeping.typed') : '',
  ].filter(Boolean);
}

/** What goes under a rule: by when, and of how many devices. */
function Preview({ p }: { p: RetentionPlan }) {
  const line = (before: string | null, devices: number, key: Key) => before && (
    <p><Status mark={devices > 0 ? 'medium' : 'normal'} word={t(key, { date: day(before) })} /> {t('keeping.devices', { n: devices, count: number(devices) })}</p>
  );
  if (!p.thin_before && !p.remove_before) return <p><Status mark="normal" word={t('keeping.nothingGoes')} /></p>;
  return <>{line(p.thin_before, p.thin_devices, 'keeping.thinBefore')}{line(p.remove_before, p.remove_devices, 'keeping.removeBefore')}</>;
}

const endless = (n: number): number => (n === 0 ? Infinity : n);
const whole = (text: string): number | null => (/^\d{1,4}$/.test(text.trim()) ? Number(text) : null);

function RetentionForm({ old, onClose, onSaved }: { old: Retention; onClose: () => void; onSaved: () => void }) {
  const { f, action, send, change, bad } = useForm({ full_months: String(old.full_months), day_months: String(old.day_months), day_hour: String(old.day_hour) });
  const [sure, setSure] = useState(false);
  const [asked, setAsked] = useState(false);
  const fields = ['full_months', 'day_months', 'day_hour'] as const;
  const wrong = fields.find((k) => whole(f[k]) === null);
  const full = whole(f.full_months);
  const thin = whole(f.day_months);
  const known = full !== null && thin !== null;
  const shorter = known && (endless(full) < endless(old.full_months) || endless(thin) < endless(old.day_months));
  const plan = useResource(known ? `plan ${full} ${thin}` : null, (s) => get<RetentionPlan>('/retention/plan', { full_months: full!, day_months: thin! }, s));
  const save = (): Promise<unknown> => patch('/retention', Object.fromEntries(fields.map((k) => [k, whole(f[k])])));
  const submit = send(wrong ? { field: wrong, text: t('keeping.wholeMissing') } : null, save, () => { onClose(); onSaved(); });
  const edit = (part: Partial<typeof f>): void => { change(part); setSure(false); setAsked(false); };
  return (
    <Dialog title={t('keeping.retention')} onClose={onClose}>
      <form class="form" onSubmit={(e) => { if (!wrong && shorter && !sure) { e.preventDefault(); setAsked(true); } else submit(e); }} noValidate>
        <TextField inputMode="numeric" label={t('keeping.fullLabel')} hint={t('keeping.everHint')} value={f.full_months} onChange={(v) => edit({ full_months: v })} error={bad('full_months')} autocomplete="off" required />
        <TextField inputMode="numeric" label={t('keeping.dayLabel')} hint={t('keeping.dayHint')} value={f.day_months} onChange={(v) => edit({ day_months: v })} error={bad('day_months')} autocomplete="off" required />
        <TextField inputMode="numeric" label={t('keeping.hourLabel')} hint={t('keeping.hourHint')} value={f.day_hour} onChange={(v) => edit({ day_hour: v })} error={bad('day_hour')} autocomplete="off" required />
        <section class="stack keeping-preview" aria-label={t('keeping.preview')} aria-live="polite">
          {plan.error && !plan.data ? <p class="field-error">{plan.error.detail}</p> : plan.data && <Preview p={plan.data} />}
          {plan.data?.next_run && <p class="field-hint">{t('keeping.from', { time: dateTime(plan.data.next_run) })}</p>}
        </section>
        {shorter && <CheckField label={t('keeping.sure')} hint={t('keeping.sureHint')} checked={sure} onChange={(v) => { setSure(v); setAsked(false); }} />}
        <FieldError text={asked ? t('keeping.sureMissing') : null} />
        <ActionError error={action.error} />
        <FormButtons busy={action.busy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

function RetentionCard() {
  const plan = useResource('retention', (s) => get<RetentionPlan>('/retention/plan', {}, s));
  const [editing, edit] = useState(false);
  return (
    <section class="card" aria-label={t('keeping.retention')}>
      <div class="card-head"><h2>{t('keeping.retention')}</h2>
        {plan.data && <button type="button" class="btn" onClick={() => edit(true)}><Icon svg={editIcon} size={14} />{t('keeping.change')}</button>}</div>
      <div class="card-body stack">
        <Loaded from={plan} what={t('keeping.retentionFailed')} rows={3}>
          {(p) => (
            <>
              <ul class="keeping-rule">{sentences(p).map((s) => <li key={s}>{s}</li>)}</ul>
              <dl class="facts">
                <dt>{t('keeping.oldest')}</dt><dd>{p.oldest ? <Time iso={p.oldest} /> : t('keeping.noReadings')}</dd>
                {p.thin_before && <><dt>{t('keeping.thinned1')}</dt><dd>{t('keeping.before', { date: day(p.thin_before) })}</dd></>}
                {p.remove_before && <><dt>{t('keeping.removed1')}</dt><dd>{t('keeping.before', { date: day(p.remove_before) })}</dd></>}
                <dt>{t('keeping.lastRun')}</dt><dd>{p.last_run ? <><Time iso={p.last_run} />, {t('keeping.valuesGone', { n: p.last_values, count: number(p.last_values) })}</> : t('keeping.noRun')}</dd>
                <dt>{t('keeping.nextRun')}</dt><dd>{p.next_run && parse(p.next_run)! > now.value ? <Time iso={p.next_run} /> : t('keeping.soon')}</dd>
              </dl>
            </>
          )}
        </Loaded>
      </div>
      {editing && plan.data && <RetentionForm old={plan.data} onClose={() => edit(false)} onSaved={plan.reload} />}
    </section>
  );
}

const REMEDIES = new Set(['FULL', 'IO', 'BUSY', 'CORRUPT', 'DENIED', 'LIMIT', 'NO_MEMORY']);

function BackupState({ b }: { b: Backups }) {
  const failed = b.last_error !== '';
  return (
    <>
      <p role="status">
        <Status mark={b.running ? 'busy' : failed ? 'high' : b.last_success ? 'normal' : 'nodata'} word={b.running ? t('keeping.running') : failed ? t('keeping.lastFailed') : b.last_success ? t('keeping.lastGood', { ago: ago(b.last_success) }) : t('keeping.noneMade')} />
      </p>
      {failed && !b.running && (
        <div class="failed failed-row" role="alert"><div><strong class="wrap">{b.last_error}</strong> {t(`keepingRemedy.${REMEDIES.has(b.last_status) ? b.last_status : 'other'}` as Key)}</div></div>
      )}
      <dl class="facts">
        <dt>{t('keeping.schedule')}</dt><dd>{t('keeping.daily', { at: b.at, n: b.keep })}</dd>
        <dt>{t('keeping.folder')}</dt><dd class="mono">{b.folder}</dd>
        <dt>{t('keeping.lastSuccess')}</dt><dd>{b.last_success ? <Time iso={b.last_success} /> : t('comm.never')}</dd>
        <dt>{t('comm.lastAttempt')}</dt><dd>{b.last_attempt ? <Time iso={b.last_attempt} /> : t('keeping.notSinceStart')}</dd>
        <dt>{t('keeping.next')}</dt><dd>{b.next && parse(b.next)! > now.value ? <Time iso={b.next} /> : t('keeping.soon')}</dd>
      </dl>
    </>
  );
}

function BackupList({ b }: { b: Backups }) {
  if (b.items.length === 0) return <Empty title={t('keeping.noBackups')} text={t('keeping.noBackupsText')} />;
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={t('keeping.list')}>
      <table class="table table-mid">
        <thead><tr><th>{t('keeping.made')}</th><th>{t('col.state')}</th><th class="num">{t('keeping.size')}</th><th class="phone-hide-cell">{t('col.name')}</th></tr></thead>
        <tbody>
          {b.items.map((x) => (
            <tr key={x.name}>
              <td><Time iso={x.time} /><small class="phone-line grey mono wrap">{x.name}</small></td>
              <td><Status mark={BACKUP_MARK[x.state]} word={word('backupState', x.state)} title={t(`backupText.${x.state}` as Key)} /></td>
              <td class="num">{bytes(x.bytes)}</td><td class="mono wrap phone-hide-cell">{x.name}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function BackupsCard() {
  const backups = useResource('backups', (s) => get<Backups>('/backups', {}, s));
  const action = useAction();
  const busy = backups.data?.running ?? false;
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(backups.poll, POLL_MS);
    return () => clearInterval(timer);
  }, [busy]);
  const make = (): void => { void action.run(async () => { backups.set(await post<Backups>('/backups')); }); };
  const b = backups.data;
  return (
    <section class="card" aria-label={t('keeping.backups')}>
      <div class="card-head"><h2>{t('keeping.backups')}</h2>
        {b?.enabled && <button type="button" class="btn" disabled={busy || action.busy} title={t('keeping.makeHint', { n: b.keep })} onClick={make}><Icon svg={plusIcon} />{t('keeping.make')}</button>}</div>
      {b && !b.enabled ? (
        <Empty title={t('keeping.disabled')} text={t('keeping.disabledText')}><code class="wrap">{SWITCH_ON}</code></Empty>
      ) : (
        <>
          <div class="card-body stack">
            <Loaded from={backups} what={t('keeping.backupsFailed')} rows={4}>{(x) => <BackupState b={x} />}</Loaded>
            <ActionError error={action.error} />
          </div>
          {b && <BackupList b={b} />}
          {b && b.items.length > 0 && <p class="field-hint pad">{t('keeping.restore')} <code class="wrap">{`hypocaust restore --from ${b.folder}/${b.items[0]!.name} --data …`}</code></p>}
        </>
      )}
    </section>
  );
}

function StoreCard() {
  const overview = useResource('store', (s) => get<Overview>('/overview', {}, s));
  return (
    <section class="card" aria-label={t('keeping.store')}>
      <div class="card-head"><h2>{t('keeping.store')}</h2></div>
      <div class="card-body stack">
        <Loaded from={overview} what={t('keeping.storeFailed')} rows={3}>
          {({ store, values }) => (
            <>
              <p><Status mark={store.error ? 'critical' : 'normal'} word={t(store.error ? 'overview.storeFails' : 'keeping.storeGood')} /></p>
              {store.error && <p class="field-error wrap">{store.error}</p>}
              <dl class="facts">
                <dt>{t('keeping.size')}</dt><dd>{bytes(store.bytes)}</dd>
                <dt>{t('keeping.values')}</dt><dd>{number(values)}</dd>
                <dt>{t('keeping.lastCommit')}</dt><dd>{word('outcome', store.last_commit)}</dd>
              </dl>
            </>
          )}
        </Loaded>
        <p class="field-hint">{t('keeping.doctor')} <code>{CHECK}</code></p>
      </div>
    </section>
  );
}

export default function KeepingPage() {
  return (
    <>
      <SettingsHead />
      <div class="cols cols-even">
        <RetentionCard />
        <div class="stack"><BackupsCard /><StoreCard /></div>
      </div>
    </>
  );
}
