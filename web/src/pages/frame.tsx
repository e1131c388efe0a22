// A stored telegram in the inspector.
import { get } from '../api/client';
import type { Frame } from '../api/types';
import { t, word } from '../model/i18n';
import { dateTime } from '../model/time';
import { query } from '../live/router';
import { useResource } from '../live/resource';
import { ExplainView } from '../parts/explain';
import { outcomeMark } from '../parts/frame-table';
import { Loaded } from '../parts/states';
import { Status } from '../parts/status';

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
        {(f) => <ExplainView e={f.explain} title={`${t('inspector.title', { n: id })}, ${dateTime(f.time, true)}`} focusKey={query.value['key']} />}
      </Loaded>
    </>
  );
}
