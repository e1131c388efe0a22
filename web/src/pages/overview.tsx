// Is the network all right? Problems first, calm counts, every figure a link.
import { useEffect } from 'preact/hooks';
import { get } from '../api/client';
import type { Device, DeviceList, Line, List, Overview } from '../api/types';
import { t, word } from '../model/i18n';
import { bytes, number } from '../model/numbers';
import { DEVICE_MARK, linkMark, type Mark } from '../model/status';
import { ago } from '../live/clock';
import { useResource } from '../live/resource';
import { may } from '../live/session';
import { subscribe } from '../live/stream';
import { Icon } from '../parts/icon';
import { Empty, Loaded } from '../parts/states';
import { MarkIcon, Status } from '../parts/status';
import { endpoint } from '../parts/line-form';
import { linkWord } from './lines';
import nextIcon from '../icons/chevron-right.svg';

interface Problem { mark: Mark; text: string; note: string; href: string }

function problemsOf(o: Overview, lines: Line[]): Problem[] {
  const out: Problem[] = [];
  if (o.store.error) out.push({ mark: 'critical', text: t('overview.storeFails'), note: o.store.error, href: '/settings/data' });
  for (const l of lines) if (l.enabled && l.state.link === 'failed') out.push({ mark: 'critical', text: t('overview.lineDown', { name: l.name }), note: l.state.last_error || endpoint(l), href: `/lines/${l.id}` });
  const d = o.devices;
  if (d.failing) out.push({ mark: 'high', text: t('overview.failing', { n: d.failing, count: number(d.failing) }), note: t('overview.failingNote'), href: '/devices?state=failing' });
  if (d.stale) out.push({ mark: 'nodata', text: t('overview.stale', { n: d.stale, count: number(d.stale) }), note: t('overview.staleNote'), href: '/devices?state=stale' });
  if (d.never) out.push({ mark: 'nodata', text: t('overview.never', { n: d.never, count: number(d.never) }), note: t('overview.neverNote'), href: '/devices?state=never' });
  return out;
}

function Attention({ o, lines }: { o: Overview; lines: Line[] }) {
  const list = problemsOf(o, lines);
  return (
    <section class="card">
      <div class="card-head"><h2>{t('overview.attention')}</h2></div>
      {list.length === 0 ? <Empty title={t(o.devices.total ? 'overview.calm' : 'list.none')} text={o.devices.total ? t('overview.calmText') : t('list.noneText')}>{o.devices.total === 0 && may('device.write') && <a class="btn btn-primary" href="/devices/new">{t('add.action')}</a>}</Empty> : list.map((p) => (
        <a key={p.href + p.text} class="row-link" href={p.href}><MarkIcon mark={p.mark} /><span class="grow"><b>{p.text}</b><small>{p.note}</small></span><Icon svg={nextIcon} /></a>
      ))}
    </section>
  );
}

function Failing() {
  const failing = useResource('failing', (s) => get<DeviceList>('/devices', { state: 'failing', sort: '-last_reading', limit: 6 }, s));
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const stop = subscribe(['devices'], [], (e) => { if (e.type === 'device' || e.type === 'poll') due ??= setTimeout(() => { due = undefined; failing.reload(); }, 8000); });
    return () => { stop(); clearTimeout(due); };
  }, []);
  if (!failing.data || failing.data.items.length === 0) return null;
  return (
    <section class="card">
      <div class="card-head"><h2>{t('overview.failingList')}</h2>{failing.data.total > 6 && <a href="/devices?state=failing">{t('overview.all', { n: failing.data.total })}</a>}</div>
      {failing.data.items.map((d: Device) => (
        <a key={d.id} class="row-link" href={`/devices/${d.id}?tab=communication`}><MarkIcon mark={DEVICE_MARK[d.state]} /><span class="grow">{d.name}<small>{d.last_error || word('state', d.state)}</small></span><span class="grey small nowrap">{d.last_reading ? ago(d.last_reading) : word('state', 'never')}</span></a>
      ))}
    </section>
  );
}

const STATES = ['ok', 'stale', 'failing', 'never'] as const;
const STATE_COLOUR: Record<string, string> = { ok: 'var(--status-normal)', stale: 'var(--line)', failing: 'var(--status-high)', never: 'var(--canvas)' };

function Devices({ o }: { o: Overview }) {
  const total = Math.max(1, o.devices.total);
  const kinds = Object.entries(o.by_kind).sort((a, b) => b[1] - a[1]);
  return (
    <section class="card">
      <div class="card-head"><h2>{t('nav.devices')}</h2><a href="/devices">{t('overview.all', { n: o.devices.total })}</a></div>
      <div class="card-body stack">
        <div class="bar" aria-hidden="true">{STATES.map((s) => <i key={s} style={{ width: `${100 * o.devices[s] / total}%`, background: STATE_COLOUR[s] }} />)}</div>
        <div class="state-counts">{STATES.map((s) => <a key={s} href={`/devices?state=${s}`}><MarkIcon mark={o.devices[s] ? DEVICE_MARK[s] : 'normal'} /> {word('state', s)} <b>{number(o.devices[s])}</b></a>)}</div>
      </div>
      {kinds.map(([k, n]) => <a key={k} class="row-link row-slim" href={`/devices?kind=${k}`}><span class="grow">{word('kind', k)}</span><span class="mini"><i style={{ width: `${100 * n / total}%` }} /></span><b class="count">{number(n)}</b></a>)}
    </section>
  );
}

function Lines({ lines }: { lines: Line[] }) {
  return (
    <section class="card">
      <div class="card-head"><h2>{t('nav.lines')}</h2><a href="/lines">{t('overview.all', { n: lines.length })}</a></div>
      {lines.length === 0 ? <Empty title={t('line.none')} text={t('line.noneText')} /> : lines.slice(0, 12).map((l) => (
        <a key={l.id} class="row-link" href={`/lines/${l.id}`}><Status mark={linkMark(l.state.link, l.enabled)} word={linkWord(l)} quiet /><span class="grow">{l.name}<small>{word('line', l.kind)} · {endpoint(l)}</small></span>
          <span class="grey small nowrap">{l.state.queue_length > 0 ? t('line.queued', { n: l.state.queue_length }) : linkWord(l)}</span></a>
      ))}
    </section>
  );
}

function Kpi({ href, label, value, note }: { href?: string; label: string; value: string; note: string }) {
  const inner = <><span>{label}</span><b>{value}</b><small>{note}</small></>;
  return href ? <a class="card kpi" href={href}>{inner}</a> : <div class="card kpi">{inner}</div>;
}

export default function OverviewPage() {
  const overview = useResource('overview', (s) => get<Overview>('/overview', {}, s));
  const lines = useResource('lines', (s) => get<List<Line>>('/lines', { limit: 1000 }, s));
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => { due ??= setTimeout(() => { due = undefined; overview.reload(); lines.reload(); }, 3000); };
    const stop = subscribe(['devices', 'lines', 'jobs'], [], (e) => { if (e.type !== 'ping' && e.type !== 'hello') soon(); });
    const timer = setInterval(soon, 15_000);
    return () => { stop(); clearInterval(timer); clearTimeout(due); };
  }, []);
  return (
    <>
      <div class="page-head"><h1>{t('nav.overview')}</h1></div>
      <Loaded from={overview} what={t('overview.failed')} rows={8}>
        {(o) => (
          <>
            <div class="kpis">
              <Kpi href="/devices" label={t('overview.kpiDevices')} value={number(o.devices.total)} note={t('overview.kpiDevicesNote', { ok: number(o.devices.ok) })} />
              <Kpi label={t('overview.kpiReadings')} value={number(o.readings_today)} note={t('overview.kpiReadingsNote', { n: number(o.values) })} />
              <Kpi href="/frames" label={t('overview.kpiFrames')} value={number(o.frames)} note={t('overview.kpiFramesNote')} />
              <Kpi href="/jobs?show=running" label={t('overview.kpiJobs')} value={number(o.jobs.running)} note={t('overview.kpiJobsNote')} />
              <Kpi label={t('overview.kpiStore')} value={bytes(o.store.bytes)} note={t('overview.kpiStoreNote', { ago: ago(o.started) })} />
            </div>
            <div class="cols">
              <div class="stack"><Attention o={o} lines={lines.data?.items ?? []} /><Failing /></div>
              <div class="stack"><Devices o={o} /><Lines lines={lines.data?.items ?? []} /></div>
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}
