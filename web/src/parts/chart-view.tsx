// The chart with its period, legend, comparison and table twin; state lives in the address bar.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Series, SeriesReply } from '../api/types';
import { csv } from '../model/csv';
import { t, word, type Key } from '../model/i18n';
import { number, places } from '../model/numbers';
import { before, freeQuery, presetQuery, RANGES, readPeriod, stepQuery, zoomInQuery, zoomOutQuery, type Period } from '../model/period';
import { numbers } from '../model/query';
import { colourSlots, hiddenAt, join, marksOf, meanOf, nearest, shift, summary } from '../model/series';
import { ageParts, date, dateTime, fromInput, toInput } from '../model/time';
import { unitText } from '../model/units';
import { serverNow } from '../live/clock';
import { query, setQuery } from '../live/router';
import { colours, phone, pref, setPref } from '../live/prefs';
import { useResource } from '../live/resource';
import { subscribe } from '../live/stream';
import type { Chart, ChartSeries } from './chart';
import { download } from './download';
import { Icon } from './icon';
import { onKeys } from './keys';
import { Menu } from './menu';
import { MARKS, QualityMark } from './quality-mark';
import { Empty, Failed } from './states';
import { keyTitle } from './value';
import leftIcon from '../icons/chevron-left.svg';
import rightIcon from '../icons/chevron-right.svg';
import inIcon from '../icons/zoom-in.svg';
import outIcon from '../icons/zoom-out.svg';
import xIcon from '../icons/x.svg';
import eyeIcon from '../icons/eye.svg';
import downloadIcon from '../icons/download.svg';
import compareIcon from '../icons/git-compare.svg';
import tableIcon from '../icons/table-2.svg';
import chartIcon from '../icons/chart-line.svg';
import panelsIcon from '../icons/between-vertical-start.svg';
import clockIcon from '../icons/clock.svg';

const MAX_SERIES = 12;
export const chosenPoints = (): number[] => numbers(query.value['points']).slice(0, MAX_SERIES);
export function choosePoints(points: number[]): void { setQuery({ points: points.slice(0, MAX_SERIES).join(',') }); }

const titleOf = (s: Series, many: boolean): string => (many ? `${s.device_name} · ` : '') + keyTitle(s.key, s.label);

function PeriodBar({ p }: { p: Period }) {
  const now = serverNow();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const label = p.live ? t('chart.upToNow') : p.range === 'day' ? date(p.from) : `${dateTime(p.from)} – ${dateTime(p.to)}`;
  const apply = (close: () => void): void => {
    const a = fromInput(from);
    const b = fromInput(to);
    if (a !== null && b !== null && a < b) { setQuery(freeQuery(a, b), false); close(); }
  };
  return (
    <div class="chart-bar">
      <div class="seg" role="group" aria-label={t('chart.period')}>
        {RANGES.map((r) => <button key={r} type="button" aria-pressed={p.range === r} onClick={() => setQuery(presetQuery(r), false)}>{t(`chart.${r}` as Key)}</button>)}
      </div>
      <div class="chart-step">
        <button type="button" class="btn-icon" title={t('chart.back')} aria-label={t('chart.back')} onClick={() => setQuery(stepQuery(p, -1, now), false)}><Icon svg={leftIcon} size={18} /></button>
        <Menu label={label} title={t('chart.free')} class="btn btn-quiet chart-label">
          {(close) => (
            <form class="chart-free" onSubmit={(e) => { e.preventDefault(); apply(close); }}>
              <label>{t('chart.from')}<input class="input" type="datetime-local" value={from || toInput(p.from)} onInput={(e) => setFrom(e.currentTarget.value)} /></label>
              <label>{t('chart.to')}<input class="input" type="datetime-local" value={to || toInput(p.to)} onInput={(e) => setTo(e.currentTarget.value)} /></label>
              <button type="submit" class="btn btn-primary" onClick={() => { if (!from) setFrom(toInput(p.from)); if (!to) setTo(toInput(p.to)); }}>{t('chart.show')}</button>
            </form>
          )}
        </Menu>
        <button type="button" class="btn-icon" title={t('chart.forward')} aria-label={t('chart.forward')} disabled={p.live} onClick={() => setQuery(stepQuery(p, 1, now), false)}><Icon svg={rightIcon} size={18} /></button>
        {!p.live && <button type="button" class="btn" title={t('chart.liveTitle')} onClick={() => setQuery(presetQuery(p.range === 'free' ? 'week' : p.range), false)}><Icon svg={clockIcon} />{t('chart.live')}</button>}
      </div>
    </div>
  );
}

function Panel({ list, from, to, height, onCursor, sync, label }: { list: ChartSeries[]; from: number; to: number; height: number; sync: string; label: string; onCursor: (time: number | null) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const tick = colours.value;
  const latest = useRef({ list, from, to });
  latest.current = { list, from, to };
  useEffect(() => {
    let gone = false;
    void import('./chart').then(({ Chart: Class }) => {
      if (gone || !host.current) return;
      host.current.removeAttribute('aria-busy');
      chart.current = new Class(host.current, { height, sync, onCursor, onRange: (a, b) => { if (b - a > 60_000) setQuery(freeQuery(a, b), false); } });
      chart.current.show(latest.current.list, latest.current.from, latest.current.to);
    });
    return () => { gone = true; chart.current?.destroy(); chart.current = null; };
  }, [height]);
  useEffect(() => { chart.current?.show(list, from, to); }, [list, from, to, tick]);
  return <div class="chart" ref={host} role="img" aria-busy="true" aria-label={label} data-height={height > 300 ? 'tall' : 'low'} />;
}

function Swatch({ slot, previous = false }: { slot: number; previous?: boolean }) {
  const dash = previous ? '3 4' : ['', '8 4', '2 3', '10 3 2 3'][Math.floor((slot - 1) / 6) % 4];
  return <svg class="swatch" width="26" height="10" aria-hidden="true"><line x1="1" y1="5" x2="25" y2="5" stroke={`var(--series-${((slot - 1) % 6) + 1})`} stroke-width="2.5" stroke-dasharray={dash || undefined} /></svg>;
}

function lengthText(ms: number): string {
  const { n, unit } = ageParts(ms);
  return t(`age.${unit}`, { n });
}

/** What a value hides, in words: "Corrected: 2, no value for 5 h, meter exchanged". */
function hiddenText(s: Series, i: number): string {
  const h = hiddenAt(s, i);
  return [
    ...h.marks.map((m) => (s.mode === 'raw' ? word('quality', m.quality) : `${word('quality', m.quality)}: ${number(m.count)}`)),
    h.gap > 0 ? t('chart.gap', { time: lengthText(h.gap) }) : '', ...h.events.map((e) => t(e === 'exchange' ? 'chart.exchange' : 'chart.reset')),
  ].filter(Boolean).join(', ');
}

function Legend({ list, cursor, toggle, remove }: { list: ChartSeries[]; cursor: number | null; toggle: (point: number) => void; remove: (point: number) => void }) {
  return (
    <div class="table-box">
      <table class="table table-mid chart-legend">
        <thead><tr>
          <th>{t('chart.series')}</th><th class="num">{cursor === null ? t('chart.last') : t('chart.atCursor')}</th>
          <th class="num">{t('chart.min')}</th><th class="num">{t('chart.mean')}</th><th class="num">{t('chart.max')}</th><th>{t('chart.unit')}</th><th><span class="sr">{t('chart.actions')}</span></th>
        </tr></thead>
        <tbody>
          {list.map((item) => {
            const s = item.series;
            const sum = summary(s);
            const i = cursor === null ? -1 : nearest(s.times, cursor);
            const value = cursor === null ? sum?.last : meanOf(s)[i];
            const d = sum ? Math.max(places(sum.max - sum.min), places(sum.max) - 1 > 0 ? 1 : 0) : 0;
            const marks = marksOf(s);
            const here = marks.get(i);
            const found = Object.keys(MARKS).filter((q) => s.marks?.some((m) => m.quality === q));
            const hidden = i < 0 ? '' : hiddenText(s, i);
            const show = (v: number | null | undefined): string => (v === null || v === undefined ? '–' : number(v, d));
            return (
              <tr key={`${s.point}${item.previous ? 'p' : ''}`} class={item.hidden ? 'is-hidden' : ''}>
                <td><span class="legend-name"><Swatch slot={item.slot} previous={item.previous} /><a href={`/devices/${s.device}`}>{item.title}</a>{cursor === null && found.map((q) => <QualityMark key={q} quality={q} />)}</span>{hidden && <small class="grey chart-hidden">{hidden}</small>}</td>
                <td class="num">{here && <QualityMark quality={here} />}<b>{show(value)}</b></td>
                <td class="num">{show(sum?.min)}</td><td class="num">{show(sum?.mean)}</td><td class="num">{show(sum?.max)}</td>
                <td class="grey">{unitText(s.unit)}</td>
                <td class="num">
                  {!item.previous && (
                    <span class="nowrap">
                      <button type="button" class="btn-icon small" aria-pressed={item.hidden} aria-label={t('chart.hide', { name: item.title })} title={t('chart.hideShort')} onClick={() => toggle(s.point)}><Icon svg={eyeIcon} size={14} /></button>
                      <button type="button" class="btn-icon small" aria-label={t('chart.remove', { name: item.title })} title={t('chart.removeShort')} onClick={() => remove(s.point)}><Icon svg={xIcon} size={14} /></button>
                    </span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function noteAt(list: ChartSeries[], time: number): string {
  return list.map(({ series: s, title }) => {
    const i = nearest(s.times, time);
    const text = s.times[i] === time ? hiddenText(s, i) : '';
    return text && list.length > 1 ? `${title}: ${text}` : text;
  }).filter(Boolean).join('; ');
}

const TABLE_ROWS = 500;
function TableTwin({ list }: { list: ChartSeries[] }) {
  const joined = join(list.map((x) => ({ times: x.series.times, values: meanOf(x.series) })));
  const from = Math.max(0, joined.times.length - TABLE_ROWS);
  const marks = list.map((x) => { const own = marksOf(x.series); return new Map(x.series.times.map((time, i) => [time, own.get(i)])); });
  const rows = joined.times.slice(from).map((time, i) => ({ time, cells: joined.columns.map((c) => c[from + i]), note: noteAt(list, time) })).reverse();
  const notes = rows.some((r) => r.note);
  return (
    <div class="table-box chart-table" tabIndex={0} role="region" aria-label={t('chart.table')}>
      <table class="table">
        <thead><tr><th>{t('chart.time')}</th>{list.map((x) => <th key={x.title} class="num">{x.title}{unitText(x.series.unit) && ` [${unitText(x.series.unit)}]`}</th>)}{notes && <th>{t('chart.note')}</th>}</tr></thead>
        <tbody>{rows.map((r) => <tr key={r.time}><td class="nowrap">{dateTime(r.time)}</td>{r.cells.map((v, i) => <td key={i} class="num">{marks[i]!.get(r.time) && <QualityMark quality={marks[i]!.get(r.time)!} />}{v === null || v === undefined ? '' : number(v, 3).replace(/([.,]\d*?)0+$/, '$1').replace(/[.,]$/, '')}</td>)}{notes && <td class="grey">{r.note}</td>}</tr>)}</tbody>
      </table>
      {from > 0 && <p class="pad grey small">{t('chart.tableCut', { n: TABLE_ROWS })}</p>}
    </div>
  );
}

function saveCsv(list: ChartSeries[]): void {
  const joined = join(list.map((x) => ({ times: x.series.times, values: meanOf(x.series) })));
  const header = [t('chart.time'), ...list.map((x) => `${x.title} [${x.series.unit}]`)];
  download('chart.csv', csv(header, joined.times.map((time, i) => [new Date(time).toISOString(), ...joined.columns.map((c) => c[i] ?? '')])));
}

function useChartKeys(p: Period): void {
  const latest = useRef(p);
  latest.current = p;
  useLayoutEffect(() => onKeys((e) => {
    const now = serverNow();
    const actions: Record<string, () => void> = {
      't ArrowLeft': () => setQuery(stepQuery(latest.current, -1, now), false),
      't ArrowRight': () => { if (!latest.current.live) setQuery(stepQuery(latest.current, 1, now), false); },
      't z': () => setQuery(zoomOutQuery(latest.current, now), false),
      't l': () => setQuery(presetQuery(latest.current.range === 'free' ? 'week' : latest.current.range), false),
      '+': () => setQuery(zoomInQuery(latest.current), false),
      '-': () => setQuery(zoomOutQuery(latest.current, now), false),
      '0': () => setQuery(presetQuery('week'), false),
      c: () => setQuery({ compare: query.peek()['compare'] ? '' : '1' }, false),
    };
    const act = actions[e.key];
    act?.();
    return !!act;
  }), []);
}

function buildList(now: Series[], prev: Series[], hidden: Set<number>, offset: number, named: boolean): ChartSeries[] {
  const slots = colourSlots(now.map((s) => s.key));
  const many = named || new Set(now.map((s) => s.device)).size > 1;
  const main = now.map((series, i): ChartSeries => ({ series, title: titleOf(series, many), slot: slots[i]!, hidden: hidden.has(series.point), previous: false }));
  const old = prev.map((series): ChartSeries => {
    const i = now.findIndex((s) => s.point === series.point);
    return { series: shift(series, offset), title: t('chart.before', { name: titleOf(series, many) }), slot: slots[i] ?? 1, hidden: hidden.has(series.point), previous: true };
  });
  return [...main, ...old];
}

export function ChartView({ add, empty, named = false }: { add: ComponentChildren; empty: ComponentChildren; named?: boolean }) {
  const q = query.value;
  const points = chosenPoints();
  const [tick, setTick] = useState(0);
  const [hidden, setHidden] = useState<Set<number>>(new Set());
  const [cursor, setCursor] = useState<number | null>(null);
  const p = readPeriod(q, serverNow());
  const compare = !!q['compare'];
  const asTable = q['view'] === 'table';
  const panels = pref('chart.panels', false).value;
  const px = Math.round(Math.min(1600, Math.max(300, innerWidth - 300)) / 100) * 100;
  const key = points.length ? `${points.join(',')}|${p.from}|${p.to}|${px}|${tick}` : null;
  const now = useResource<SeriesReply>(key && `${points.join(',')}|${p.live ? p.range : `${p.from}|${p.to}`}|${px}`, (s) => get('/series', { points: points.join(','), from: p.from, to: p.to, px }, s));
  const b = before(p);
  const prev = useResource<SeriesReply>(key && compare ? `${points.join(',')}|${p.live ? p.range : `${b.from}|${b.to}`}|${px}` : null, (s) => get('/series', { points: points.join(','), from: b.from, to: b.to, px }, s));
  useChartKeys(p);

  // A window up to now moves with the clock and with what arrives.
  useEffect(() => {
    if (!p.live || points.length === 0) return undefined;
    let due: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => { due ??= setTimeout(() => { due = undefined; setTick((n) => n + 1); now.reload(); }, 5000); };
    const stop = subscribe([], points, (e) => { if (e.type === 'values' || e.type === 'poll') soon(); });
    const timer = setInterval(soon, 60_000);
    return () => { stop(); clearInterval(timer); clearTimeout(due); };
  }, [p.live, points.join(',')]);

  const list = useRef<{ key: unknown[]; value: ChartSeries[] }>({ key: [], value: [] });
  const deps = [now.data, prev.data, compare, hidden];
  if (deps.some((d, i) => d !== list.current.key[i])) {
    list.current = { key: deps, value: now.data ? buildList(now.data.series, compare && prev.data ? prev.data.series : [], hidden, p.from - b.from, named) : [] };
  }
  const all = list.current.value;
  // After a fetch the axis shows exactly what was asked for, until the next answer.
  const range = useRef({ from: p.from, to: p.to });
  if (!now.loading || !now.data) range.current = { from: p.from, to: p.to };
  const height = phone.value ? 300 : 420;
  const units = [...new Set(all.map((x) => x.series.unit))];
  const groups = panels && units.length > 1 ? units.map((u) => all.filter((x) => x.series.unit === u)) : [all];
  const groupKey = useRef<{ all: ChartSeries[]; panels: boolean; groups: ChartSeries[][] }>({ all: [], panels: false, groups: [] });
  if (groupKey.current.all !== all || groupKey.current.panels !== panels) groupKey.current = { all, panels, groups };
  const toggle = (point: number): void => { const next = new Set(hidden); if (!next.delete(point)) next.add(point); setHidden(next); };
  const nothing = all.length > 0 && all.every((x) => x.series.times.length === 0);

  return (
    <div class="card chart-card">
      <div class="chart-tools">
        <PeriodBar p={p} />
        <div class="chart-actions">
          {add}
          <button type="button" class="btn" aria-pressed={compare} title={t('chart.compareTitle')} onClick={() => setQuery({ compare: compare ? '' : '1' }, false)}><Icon svg={compareIcon} />{t('chart.compare')}</button>
          {units.length > 1 && <button type="button" class="btn" aria-pressed={panels} title={t('chart.panelsTitle')} aria-label={t('chart.panelsTitle')} onClick={() => setPref('chart.panels', !panels)}><Icon svg={panelsIcon} /></button>}
          <button type="button" class="btn" aria-pressed={asTable} title={t('chart.table')} aria-label={t('chart.table')} onClick={() => setQuery({ view: asTable ? '' : 'table' }, false)}><Icon svg={asTable ? chartIcon : tableIcon} /></button>
          <button type="button" class="btn phone-hide" title={t('chart.zoomIn')} aria-label={t('chart.zoomIn')} onClick={() => setQuery(zoomInQuery(p), false)}><Icon svg={inIcon} /></button>
          <button type="button" class="btn phone-hide" title={t('chart.zoomOut')} aria-label={t('chart.zoomOut')} onClick={() => setQuery(zoomOutQuery(p, serverNow()), false)}><Icon svg={outIcon} /></button>
          <button type="button" class="btn" title={t('chart.csv')} aria-label={t('chart.csv')} disabled={all.length === 0} onClick={() => saveCsv(all)}><Icon svg={downloadIcon} /></button>
        </div>
      </div>
      {now.loading && <div class="thin-bar" role="status" aria-label={t('state.loading')} />}
      {now.error && <div class="pad"><Failed what={t('chart.failed')} error={now.error} retry={now.reload} /></div>}
      {points.length === 0 ? empty : asTable ? <TableTwin list={all.filter((x) => !x.hidden)} /> : (
        <div class="chart-area">
          {groupKey.current.groups.map((g, i) => (
            <Panel key={panels ? units[i] ?? 0 : 'all'} list={g} from={range.current.from} to={range.current.to} height={groups.length > 1 ? 220 : height} sync="hyp"
              label={t('chart.label', { names: g.map((x) => x.title).join(', ') })} onCursor={setCursor} />
          ))}
          {nothing && !now.loading && <div class="chart-none"><Empty title={t('chart.noData')} text={t('chart.noDataText')} /></div>}
        </div>
      )}
      {all.length > 0 && <Legend list={all} cursor={cursor} toggle={toggle} remove={(pt) => choosePoints(points.filter((x) => x !== pt))} />}
    </div>
  );
}
