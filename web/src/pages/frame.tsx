// A stored telegram in the inspector.
import { get } from '../api/client';
import type { Frame } from '../api/types';
import { t, word } from '../model/i18n';
import { dateTime } from '../model/time';
import { signalText } from '../model/units';
import { query } from '../live/router';
import { useResource } from '../live/resource';
import { ExplainView } from '../parts/explain';
import { outcomeMark } from '../parts/frame-table';
import { Loaded } from '../parts/states';
import { Status } from '../parts/status';

/** By whom it was heard; one receiver alone is told by the line of the telegram. */
function Receivers({ list }: { list: Frame['receivers'] }) {
  if (list.length < 2) return null;
  return (
    <section class="card" aria-label={t('comm.reception')}>
      <div class="card-head"><h2>{t('comm.reception')}</h2></div>
      <div class="table-box">
        <table class="table">
          <thead><tr><th>{t('comm.receiver')}</th><th class="num">{t('frames.signal')}</th><th>{t('chart.time')}</th></tr></thead>
          <tbody>{list.map((x, i) => (
            <tr key={i}>
              <td>{x.line ? <a href={`/lines/${x.line}`}>{x.line_name || `#${x.line}`}</a> : '–'}</td>
              <td class="num nowrap">{signalText(x.signal_dbm) || <span class="grey">–</span>}</td>
              <td class="nowrap">{dateTime(x.time, true)}</td>
            </tr>
          ))}</tbody>
        </table>
      </div>
    </section>
  );
}

export default function FramePage({ id }: { id: number }) {
  const frame = useResource(`frame${id}`, (s) => get<Frame>(`/frames/${id}`, {}, s));
  return (
    <>
      <div class="crumbs">
        <a href="/frames">{t('nav.frames')}</a><span aria-hidden="true">/</span>
        {frame.data?.device ? <a href={`/devices/${frame.data.device}?tab=telegrams`}>{frame.data.device_name || t('frames.deviceNo', { n: frame.data.device })}</a> : <span>{t('frames.unknown')}</span>}
      </div>
      <div class="page-head">
        <h1>{t('inspector.title', { n: id })}</h1>
        {frame.data && <><Status mark={outcomeMark(frame.data.outcome)} word={word('outcome', frame.data.outcome)} /><span class="sub">{dateTime(frame.data.time, true)}</span></>}
      </div>
      <Loaded from={frame} what={t('inspector.failed')} rows={10}>
        {(f) => (
          <div class="stack">
            <ExplainView e={f.explain} title={`${t('inspector.title', { n: id })}, ${dateTime(f.time, true)}`} focusKey={query.value['key']} />
            <Receivers list={f.receivers} />
          </div>
        )}
      </Loaded>
    </>
  );
}
