// State and history of communication (COL-38): when, how often, and what went wrong in words.
import { useEffect } from 'preact/hooks';
import { get } from '../../api/client';
import type { Communication, Reception } from '../../api/types';
import { t, word } from '../../model/i18n';
import { number } from '../../model/numbers';
import { scheduleWords } from '../../model/schedule';
import { DEVICE_MARK } from '../../model/status';
import { dateTime, parse } from '../../model/time';
import { signalText } from '../../model/units';
import { age, ago, now } from '../../live/clock';
import { useResource } from '../../live/resource';
import { subscribe } from '../../live/stream';
import type { TabProps } from '../../parts/device-tab';
import { Empty, Loaded } from '../../parts/states';
import { Status } from '../../parts/status';

const When = ({ iso, never }: { iso: string | null; never: string }) =>
  (iso ? <><span class="nowrap">{dateTime(iso, true)}</span> <span class="grey">({ago(iso)})</span></> : <span class="grey">{never}</span>);

function Due({ iso }: { iso: string | null }) {
  const ms = parse(iso);
  if (ms === null) return <span class="grey">{t('comm.noneDue')}</span>;
  return <><span class="nowrap">{dateTime(ms, true)}</span> <span class="grey">({ms > now.value ? t('comm.in', { age: age(2 * now.value - ms) }) : t('comm.due')})</span></>;
}

const signal = (dbm: number | null) => signalText(dbm) || <span class="grey">–</span>;

/** By whom a radio device is heard: what several receivers hear is one telegram. */
function ReceptionCard({ r }: { r: Reception }) {
  return (
    <section class="card">
      <div class="card-head"><h2>{t('comm.reception')}</h2><span class="grey">{t('comm.telegrams', { n: r.telegrams })}</span></div>
      <div class="table-box">
        <table class="table reception">
          <thead><tr><th>{t('comm.receiver')}</th><th>{t('comm.heard')}</th><th class="num">{t('comm.signalLast')}</th><th class="num">{t('comm.signalBest')}</th><th class="num">{t('comm.share')}</th></tr></thead>
          <tbody>{r.receivers.map((x) => (
            <tr key={x.line}>
              <td><a href={`/lines/${x.line}`}>{x.line_name}</a></td>
              <td>{x.last_heard && <><span class="nowrap">{dateTime(x.last_heard, true)}</span> <span class="grey nowrap">({ago(x.last_heard)})</span></>}</td>
              <td class="num nowrap">{signal(x.last_dbm)}</td>
              <td class="num nowrap">{signal(x.best_dbm)}</td>
              <td class="num nowrap" title={t('comm.shareOf', { n: number(x.telegrams), of: number(x.of) })}>{number(100 * x.telegrams / Math.max(1, x.of), 0)} %</td>
            </tr>
          ))}</tbody>
        </table>
      </div>
    </section>
  );
}

export default function CommunicationTab({ device }: TabProps) {
  const comm = useResource(`c${device.id}`, (s) => get<Communication>(`/devices/${device.id}/communication`, {}, s));
  useEffect(() => subscribe(['devices', 'jobs'], [], (e) => {
    const x = e.data as { id?: number; device?: number } | null;
    if (e.type === 'poll' || (e.type === 'device' && x?.id === device.id) || (e.type === 'job' && x?.device === device.id)) comm.reload();
  }), [device.id]);
  return (
    <Loaded from={comm} what={t('comm.failed')}>
      {(c) => (
        <div class="stack">
          {c.reception && <ReceptionCard r={c.reception} />}
          <div class="cols cols-even">
            <section class="card">
              <div class="card-head"><h2>{t('comm.state')}</h2><Status mark={DEVICE_MARK[c.state] ?? 'nodata'} word={word('state', c.state)} /></div>
              <div class="card-body">
                <dl class="facts">
                  <dt>{t('col.lastReading')}</dt><dd><When iso={c.last_reading} never={t('comm.never')} /></dd>
                  <dt>{t('comm.lastAttempt')}</dt><dd><When iso={c.last_attempt} never={t('comm.never')} /></dd>
                  <dt>{t('comm.lastSuccess')}</dt><dd><When iso={c.last_success} never={t('comm.never')} /></dd>
                  <dt>{t('comm.lastFailure')}</dt><dd><When iso={c.last_failure} never={t('comm.never')} /></dd>
                  <dt>{t('comm.lastError')}</dt><dd>{c.last_error || <span class="grey">{t('comm.noError')}</span>}</dd>
                  <dt>{t('comm.inRow')}</dt><dd>{number(c.failures_in_row)}</dd>
                  <dt>{t('comm.rate')}</dt><dd>{c.attempts ? t('comm.rateValue', { ok: number(c.successes), all: number(c.attempts), percent: number(100 * c.successes / c.attempts, 1) }) : '–'}</dd>
                  <dt>{t('comm.next')}</dt><dd><Due iso={c.next_due} /></dd>
                  {c.backing_off && <><dt>{t('comm.breaker')}</dt><dd><Status mark="medium" word={t('comm.backingOff')} /></dd></>}
                  <dt>{t('comm.job')}</dt><dd>{c.job && c.job !== 'unknown' ? word('job', c.job) : <span class="grey">–</span>}</dd>
                  <dt>{t('col.schedule')}</dt><dd>{scheduleWords(device.schedule)}</dd>
                </dl>
              </div>
            </section>
            <section class="card">
              <div class="card-head"><h2>{t('comm.history')}</h2></div>
              {c.events.length === 0 ? <Empty title={t('comm.noEvents')} text={t('comm.noEventsText')} /> : (
                <div class="table-box">
                  <table class="table">
                    <thead><tr><th>{t('chart.time')}</th><th>{t('comm.result')}</th><th>{t('comm.text')}</th></tr></thead>
                    <tbody>{c.events.map((e, i) => (
                      <tr key={`${e.time}${i}`}><td class="nowrap">{dateTime(e.time, true)}</td><td class="nowrap"><Status mark={e.status === 'OK' ? 'normal' : 'medium'} word={word('outcome', e.status)} /></td><td class="wrap">{e.text}</td></tr>
                    ))}</tbody>
                  </table>
                </div>
              )}
            </section>
          </div>
        </div>
      )}
    </Loaded>
  );
}
