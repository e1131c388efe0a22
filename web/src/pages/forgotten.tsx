// What was wiped for ever, and the backups that still have it.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, post } from '../api/client';
import type { Backups, Forgotten, HoldingBackup, List } from '../api/types';
import { t, word, type Key } from '../model/i18n';
import { number } from '../model/numbers';
import { BACKUP_MARK } from '../model/status';
import { dateTime, parse } from '../model/time';
import { useAction, useResource } from '../live/resource';
import { may } from '../live/session';
import { Confirm } from '../parts/dialog';
import { SettingsHead } from '../parts/settings-nav';
import { ActionError, Empty, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import { toast } from '../parts/toast';
import { Time } from '../parts/value';

const POLL_MS = 1000;

/** The requests and how the maker of backups is; asked for together, so that both tell of one moment. */
interface State { list: Forgotten[]; backups: Backups }
const load = async (s: AbortSignal): Promise<State> => {
  const [list, backups] = await Promise.all([get<List<Forgotten>>('/forgotten', {}, s), get<Backups>('/backups', {}, s)]);
  return { list: list.items, backups };
};

/** Backups that the server may remove; a damaged one without its key may be another plant's. */
const ours = (f: Forgotten): HoldingBackup[] => f.backups.filter((b) => b.goes !== null);
const deviceName = (f: Forgotten): string => f.device_name || t('forgotten.device', { n: f.device });

const goes = (b: HoldingBackup): ComponentChildren => (b.goes ? <Time iso={b.goes} /> : t('forgotten.never'));

function span(f: Forgotten): string {
  const to = dateTime(f.to);
  return parse(f.from) === null ? t('forgotten.until', { to }) : t('forgotten.span', { from: dateTime(f.from), to });
}

function HoldingList({ f }: { f: Forgotten }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={t('forgotten.holding')}>
      <table class="table table-mid">
        <thead><tr><th>{t('keeping.made')}</th><th>{t('col.state')}</th><th class="phone-hide-cell">{t('forgotten.goes')}</th><th class="phone-hide-cell">{t('col.name')}</th></tr></thead>
        <tbody>
          {f.backups.map((b) => (
            <tr key={b.name}>
              <td><Time iso={b.time} /><small class="phone-line grey mono wrap">{b.name}</small><small class="phone-line grey">{t('forgotten.goes')}: {goes(b)}</small></td>
              <td><Status mark={BACKUP_MARK[b.state]} word={word('backupState', b.state)} title={t(`backupText.${b.state}` as Key)} /></td>
              <td class="phone-hide-cell">{goes(b)}</td><td class="mono wrap phone-hide-cell">{b.name}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What stands in the backups, in a line: while the wiping goes on, even a new one would have it. */
function Standing({ f, making }: { f: Forgotten; making: boolean }) {
  if (!f.ended) return <Status mark="busy" word={t('forgotten.wiping')} />;
  if (f.backups.length === 0) return <Status mark="normal" word={t('forgotten.nowhere')} />;
  return making ? <Status mark="busy" word={t('forgotten.making')} /> : <Status mark="medium" word={t('forgotten.held', { n: f.backups.length })} />;
}

function Request({ f, making, onReplace }: { f: Forgotten; making: boolean; onReplace: () => void }) {
  const removable = f.ended !== null && ours(f).length > 0 && may('backup.remove');
  return (
    <section class="card" aria-label={t('forgotten.of', { device: deviceName(f) })}>
      <div class="card-head">
        <h2>{f.device_name ? <a href={`/devices/${f.device}`}>{f.device_name}</a> : deviceName(f)}</h2>
        <Standing f={f} making={making} />
      </div>
      <div class="card-body stack">
        <dl class="facts">
          <dt>{t('forgotten.wiped')}</dt><dd>{span(f)}</dd>
          <dt>{t('forgotten.asked')}</dt><dd><Time iso={f.requested} />, {f.user_name || t('forgotten.someone')}</dd>
          <dt>{t('forgotten.reason')}</dt><dd>{f.reason}</dd>
          <dt>{t('forgotten.ended')}</dt><dd>{f.ended ? <><Time iso={f.ended} />, {t('forgotten.readings', { n: f.readings, count: number(f.readings) })}, {t('forgotten.frames', { n: f.frames, count: number(f.frames) })}</> : t('forgotten.notYet')}</dd>
        </dl>
      </div>
      {f.backups.length > 0 && <HoldingList f={f} />}
      {removable && <div class="form-actions pad"><button type="button" class="btn btn-danger" disabled={making} onClick={onReplace}>{t('forgotten.replace')}</button></div>}
    </section>
  );
}

function Replace({ f, onClose, onBegun }: { f: Forgotten; onClose: () => void; onBegun: () => void }) {
  const action = useAction();
  const gone = ours(f);
  const go = (): void => { void action.run(async () => { await post(`/forgotten/${f.id}/replace-backups`, { confirm: true }); onBegun(); }); };
  const details = (
    <>
      <ul class="stack mono">{gone.map((b) => <li key={b.name} class="wrap">{b.name}</li>)}</ul>
      <p class="note note-warn">{t('forgotten.wholePlant')}</p>
      <ActionError error={action.error} />
    </>
  );
  return <Confirm title={t('forgotten.replace')} text={t('forgotten.replaceText', { n: gone.length })} action={t('forgotten.replaceDo', { n: gone.length })} danger busy={action.busy} error={details} onConfirm={go} onClose={onClose} />;
}

/** Why the last backup could not be made, or left the older ones: as long as they are there. */
function Failure({ b }: { b: Backups }) {
  return <div class="failed failed-row" role="alert"><div>{t('forgotten.failed')} <strong class="wrap">{b.last_error}</strong> {t('forgotten.failedHelp')} <a href="/settings/data">{t('settings.data')}</a></div></div>;
}

function Requests({ state, reload }: { state: State; reload: () => void }) {
  const { list, backups } = state;
  const [asked, ask] = useState<Forgotten | null>(null);
  // Whose backups are being replaced at this person's wish: the end of it is told.
  const begun = useRef<number | null>(null);
  const making = backups.running;
  useEffect(() => {
    const f = list.find((x) => x.id === begun.current);
    if (making || !f || ours(f).length > 0) return;
    begun.current = null;
    toast(t('forgotten.replaced'));
  }, [making, list]); // a small backup may be there before it was seen to be made
  const held = list.some((f) => f.backups.length > 0);
  if (list.length === 0) return <div class="card"><Empty title={t('forgotten.none')} text={t('forgotten.noneText')} /></div>;
  return (
    <div class="stack">
      {held && !making && backups.last_error !== '' && <Failure b={backups} />}
      {list.map((f) => <Request key={f.id} f={f} making={making} onReplace={() => ask(f)} />)}
      <p class="field-hint">{list[0]!.copies}</p>
      {asked && <Replace f={asked} onClose={() => ask(null)} onBegun={() => { begun.current = asked.id; ask(null); reload(); }} />}
    </div>
  );
}

export default function ForgottenPage() {
  const state = useResource('forgotten', load);
  const busy = state.data !== null && (state.data.backups.running || state.data.list.some((f) => !f.ended));
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setInterval(state.poll, POLL_MS);
    return () => clearInterval(timer);
  }, [busy]);
  return (
    <>
      <SettingsHead />
      <div class="stack">
        <p class="grey">{t('forgotten.intro')}</p>
        <Loaded from={state} what={t('forgotten.loadFailed')}>{(s) => <Requests state={s} reload={state.reload} />}</Loaded>
      </div>
    </>
  );
}
