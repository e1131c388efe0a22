// One device: values, chart, readings, communication, telegrams, master data.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Device, Job, Latest } from '../api/types';
import { t, word, withTexts, type Key } from '../model/i18n';
import { DEVICE_MARK, JOB_MARK, isRunning } from '../model/status';
import { ago } from '../live/clock';
import { path, query } from '../live/router';
import { useResource } from '../live/resource';
import { may } from '../live/session';
import { subscribe } from '../live/stream';
import { Icon } from '../parts/icon';
import { startReading } from '../parts/jobs';
import { Lazy } from '../parts/lazy';
import { Loaded } from '../parts/states';
import { fromCurrent } from '../parts/tabs';
import { Status } from '../parts/status';
import { setTitle } from '../routes';
import type { TabProps } from '../parts/device-tab';
import { ValuesTab } from './device/values';
import readIcon from '../icons/refresh-cw.svg';

const TABS = ['values', 'chart', 'consumption', 'readings', 'communication', 'telegrams', 'data'] as const;
type Tab = typeof TABS[number];

const LOADERS = {
  chart: withTexts(() => import('./device/chart'), 'chart'),
  consumption: withTexts(() => import('./device/consumption'), 'chart', 'consumption'),
  readings: withTexts(() => import('./device/readings'), 'chart'),
  communication: () => import('./device/communication'),
  telegrams: () => import('./device/telegrams'),
  data: withTexts(() => import('./device/data'), 'adding', 'line'),
};

/** The newest job of this device, live: what "Read now" is doing. */
function useJob(id: number): [Job | null, (j: Job) => void] {
  const [job, setJob] = useState<Job | null>(null);
  useEffect(() => subscribe(['jobs'], [], (e) => {
    if (e.type === 'job' && (e.data as Job).device === id) setJob(e.data as Job);
  }), [id]);
  // Without a stream the job is asked for until it has ended.
  useEffect(() => {
    if (!job || !isRunning(job.state)) return undefined;
    const timer = setInterval(() => { get<Job>(`/jobs/${job.id}`).then(setJob, () => undefined); }, 1500);
    return () => clearInterval(timer);
  }, [job?.id, job?.state]);
  return [job, setJob];
}

function Head({ d, job, onRead }: { d: Device; job: Job | null; onRead: () => void }) {
  const meta = [word('kind', d.kind), [d.manufacturer, d.serial].filter(Boolean).join(' '), [d.address, d.city].filter(Boolean).join(', ')].filter(Boolean);
  return (
    <>
      <div class="crumbs"><a href="/devices">{t('nav.devices')}</a><span aria-hidden="true">/</span><span>{d.line ? <a href={`/lines/${d.line}`}>{d.line_name}</a> : t('device.anyLine')}</span></div>
      <div class="page-head">
        <h1>{d.name}</h1>
        <Status mark={DEVICE_MARK[d.state]} word={word('state', d.state)} />
        {d.info_severity && d.info_severity !== 'normal' && <Status mark={d.info_severity} word={t('device.infoCode')} />}
        <div class="page-actions">
          {job && <span class="job-state" role="status"><Status mark={JOB_MARK[job.state]} word={word('job', job.state)} /></span>}
          {d.polled && may('job.run') && <button type="button" class="btn btn-primary" disabled={!!job && isRunning(job.state)} onClick={onRead}><Icon svg={readIcon} />{t('read.now')}</button>}
        </div>
      </div>
      <p class="device-meta">{meta.join(' · ')}{!d.polled && <> · {t('device.sendsItself')}</>}{d.last_reading && <> · {t('device.read', { ago: ago(d.last_reading) })}</>}</p>
      {job && job.state === 'error' && <p class="note note-warn device-note wrap">{job.text || t('read.failed')}</p>}
      {d.state === 'failing' && d.last_error && !(job && job.state === 'error') && <p class="note note-warn device-note wrap">{d.last_error} <a href={`${path.value}?tab=communication`}>{t('device.showCommunication')}</a></p>}
    </>
  );
}

function Tabs({ tab }: { tab: Tab }) {
  return (
    <nav class="tabs" ref={fromCurrent} aria-label={t('device.tabs')}>
      {TABS.map((x) => <a key={x} class="tab" href={x === 'values' ? path.value : `${path.value}?tab=${x}`} aria-current={x === tab ? 'page' : undefined}>{t(`tab.${x}` as Key)}</a>)}
    </nav>
  );
}

export default function DevicePage({ id }: { id: number }) {
  const device = useResource(`d${id}`, (s) => get<Device>(`/devices/${id}`, {}, s));
  const latest = useResource(`l${id}`, (s) => get<Latest>(`/devices/${id}/latest`, {}, s));
  const [job, setJob] = useJob(id);
  const tab: Tab = TABS.find((x) => x === query.value['tab']) ?? 'values';
  const points = latest.data?.values.map((v) => v.point) ?? [];

  useEffect(() => { if (device.data) setTitle(device.data.name); }, [device.data?.name]);
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => { due ??= setTimeout(() => { due = undefined; device.reload(); latest.reload(); }, 400); };
    const stop = subscribe(['devices'], points, (e) => {
      const about = (e.data as { id?: number; device?: number } | null);
      if (e.type === 'poll' || (e.type === 'device' && about?.id === id) || (e.type === 'values' && about?.device === id)) soon();
    });
    return () => { stop(); clearTimeout(due); };
  }, [id, points.join(',')]);
  useEffect(() => { if (job && !isRunning(job.state)) { device.reload(); latest.reload(); } }, [job?.state]);

  const onRead = async (): Promise<void> => { const jobs = await startReading([id]); if (jobs[0]) setJob(jobs[0]); };
  return (
    <Loaded from={device} what={t('peek.failed')}>
      {(d) => {
        const props: TabProps = { device: d, latest, reload: device.reload };
        return (
          <>
            <Head d={d} job={job} onRead={() => void onRead()} />
            <Tabs tab={tab} />
            <div class="tab-body">{tab === 'values' ? <ValuesTab {...props} /> : <Lazy key={tab} load={LOADERS[tab]} props={props} />}</div>
          </>
        );
      }}
    </Loaded>
  );
}
