// Readings with their provenance: measured and received time, type, source, values (COL-36, MET-14).
import { useMemo, useRef, useState } from 'preact/hooks';
import { get, url, ApiError } from '../../api/client';
import type { List, Point, Reading } from '../../api/types';
import { t, withTexts, word } from '../../model/i18n';
import { number } from '../../model/numbers';
import { readPeriod, presetQuery, RANGES } from '../../model/period';
import { dateTime, fromInput, toInput } from '../../model/time';
import { unitText } from '../../model/units';
import type { Key } from '../../model/i18n';
import { serverNow } from '../../live/clock';
import { go, query, setQuery } from '../../live/router';
import { pref, setPref } from '../../live/prefs';
import { useResource } from '../../live/resource';
import { may } from '../../live/session';
import type { TabProps } from '../../parts/device-tab';
import type { Grid, GridColumn } from '../../parts/grid';
import { GridView, textCell } from '../../parts/grid-view';
import { Icon } from '../../parts/icon';
import { Lazy } from '../../parts/lazy';
import { Menu } from '../../parts/menu';
import { MARKS } from '../../parts/quality-mark';
import { Empty, Failed, Skeleton } from '../../parts/states';
import { isAbsent, isNumeric, keyTitle, valueText } from '../../parts/value';
import type { Spot } from './versions';
import columnsIcon from '../../icons/columns-3.svg';
import downloadIcon from '../../icons/download.svg';
import plusIcon from '../../icons/plus.svg';

type Row = Reading & { row: number };
const loadVersions = withTexts(() => import('./versions'), 'versions');

/** The value that was asked for: of the cell that was clicked, without one the first that is on screen. */
function spotOf(r: Row, all: Point[], shown: number[], column: string | undefined): Spot | null {
  const points = all.map((p) => p.point).filter((id) => r.values.some((v) => v.point === id));
  const point = column === undefined ? shown.find((id) => points.includes(id)) ?? points[0] : points.find((id) => String(id) === column);
  return point === undefined ? null : { time: r.time, point, points };
}

/** Before a number: how far it was measured, and that there are other versions of it. */
function marksOf(v: Reading['values'][number]): Node[] {
  const mark = MARKS[v.quality];
  if (!mark && v.versions < 2) return [];
  const el = document.createElement('span');
  el.className = 'qmark';
  el.textContent = mark ?? String(v.versions);
  const words = document.createElement('span');
  words.className = 'sr';
  words.textContent = [mark && word('quality', v.quality), v.versions > 1 && t('readings.several', { n: v.versions })].filter(Boolean).join(', ');
  return [el, words];
}

function columnsOf(points: Point[], shown: number[]): GridColumn<Row>[] {
  const kinds = new Map(points.map((p) => [p.point, p]));
  return [
    { key: 'time', title: t('readings.time'), width: 192, even: true, draw: (c, r) => textCell(c, dateTime(r.time, true)) },
    ...shown.map((id): GridColumn<Row> => {
      const p = kinds.get(id)!;
      const unit = unitText(p.unit);
      const right = p.kind === 'decimal';
      return {
        key: String(id), title: keyTitle(p.key, p.label) + (unit ? ` [${unit}]` : ''), width: Math.min(200, Math.max(110, (keyTitle(p.key, p.label).length + unit.length) * 7 + 30)), right,
        draw: (c, r) => {
          const v = r.values.find((x) => x.point === id);
          c.classList.toggle('old', !!v && isAbsent(v));
          c.textContent = v ? valueText({ ...v, kind: p.kind, unit: p.unit, quantity: p.quantity }) : '';
          if (v) c.prepend(...marksOf(v));
          c.classList.toggle('opens', !!v);
          c.title = v ? [v.quality !== 'good' && word('quality', v.quality), v.versions > 1 ? t('readings.several', { n: v.versions }) : t('readings.versions')].filter(Boolean).join('. ') : '';
        },
      };
    }),
    { key: 'receive', title: t('readings.received'), width: 192, even: true, draw: (c, r) => textCell(c, dateTime(r.receive_time, true)) },
    { key: 'kind', title: t('readings.type'), width: 100, draw: (c, r) => textCell(c, word('reading', r.kind)) },
    { key: 'source', title: t('values.source'), width: 110, draw: (c, r) => textCell(c, word('source', r.source)) },
    {
      key: 'frame', title: t('readings.telegram'), width: 100, right: true,
      draw: (c, r) => {
        c.replaceChildren();
        if (r.frame === null) return;
        const a = document.createElement('a');
        a.href = `/frames/${r.frame}`;
        a.tabIndex = -1;
        a.textContent = String(r.frame);
        c.append(a);
      },
    },
  ];
}

function drawNarrow(points: Map<number, Point>, shown: number[]) {
  return (cell: HTMLElement, r: Row): void => {
    cell.innerHTML = '<div class="two"><span></span><span></span><span></span><span></span></div>';
    const [a, b, c, d] = [...cell.firstElementChild!.children] as HTMLElement[];
    const texts = shown.map((id) => { const v = r.values.find((x) => x.point === id); const p = points.get(id); return v && p ? `${MARKS[v.quality] ?? ''} ${valueText({ ...v, kind: p.kind, unit: p.unit })} ${unitText(p.unit)}`.trim() : ''; }).filter(Boolean);
    a!.textContent = dateTime(r.time);
    b!.textContent = texts[0] ?? '';
    c!.textContent = texts.slice(1, 4).join(' · ');
    d!.textContent = word('source', r.source);
  };
}

function ColumnMenu({ points, shown, change }: { points: Point[]; shown: number[]; change: (ids: number[]) => void }) {
  return (
    <Menu label={<Icon svg={columnsIcon} label={t('list.columns')} />} title={t('list.columns')} align="right">
      {() => points.map((p) => (
        <label key={p.point} class="menu-item">
          <input type="checkbox" checked={shown.includes(p.point)} onChange={(e) => change(e.currentTarget.checked ? points.map((x) => x.point).filter((x) => x === p.point || shown.includes(x)) : shown.filter((x) => x !== p.point))} />
          {keyTitle(p.key, p.label)}
        </label>
      ))}
    </Menu>
  );
}

export default function ReadingsTab({ device }: TabProps) {
  const grid = useRef<Grid<Row> | null>(null);
  const [total, setTotal] = useState<number | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [open, show] = useState<Spot | 'new' | null>(null);
  const points = useResource(`p${device.id}`, (s) => get<{ items: Point[] }>(`/devices/${device.id}/points`, {}, s));
  const p = readPeriod(query.value, serverNow(), 'month');
  // A list up to now has an open end: new readings belong to it.
  const span = useMemo(() => ({ from: p.from, to: p.live ? '' : p.to }), [p.range, p.live, p.live ? 0 : p.from, p.live ? 0 : p.to]);
  const all = (points.data?.items ?? []).filter((x) => x.kind !== 'text');
  const name = `readings.${device.profile || device.kind}`;
  // Columns are remembered by key: point numbers differ between devices of one profile.
  const keys = pref<string[]>(name, []).value;
  const remembered = all.filter((x) => keys.includes(x.key)).map((x) => x.point);
  const shown = remembered.length ? remembered : all.filter((x) => isNumeric(x) && !/\.s\d|\.max|\.min/.test(x.key)).slice(0, 8).map((x) => x.point);
  const fetchRows = async (offset: number, limit: number) => {
    const r = await get<List<Reading>>(`/devices/${device.id}/readings`, { ...span, versions: 'merged', offset, limit });
    setError(null);
    return { total: r.total, items: r.items.map((x, i) => ({ ...x, row: offset + i })) };
  };
  const peek = (r: Row, column?: string): void => { const spot = spotOf(r, all, shown, column); if (spot) show(spot); };
  if (!points.data) return points.error ? <Failed what={t('readings.failed')} error={points.error} retry={points.reload} /> : <Skeleton />;
  return (
    <>
      <div class="toolbar">
        <div class="seg" role="group" aria-label={t('chart.period')}>
          {RANGES.map((r) => <button key={r} type="button" aria-pressed={p.range === r} onClick={() => setQuery(presetQuery(r))}>{t(`chart.${r}` as Key)}</button>)}
        </div>
        <label class="inline-label">{t('chart.from')}<input class="input" type="datetime-local" value={toInput(p.from)} onChange={(e) => { const v = fromInput(e.currentTarget.value); if (v !== null) setQuery({ range: '', at: '', from: new Date(v).toISOString(), to: new Date(Math.max(p.to, v + 60_000)).toISOString() }); }} /></label>
        <label class="inline-label">{t('chart.to')}<input class="input" type="datetime-local" value={toInput(p.to)} onChange={(e) => { const v = fromInput(e.currentTarget.value); if (v !== null) setQuery({ range: '', at: '', from: new Date(Math.min(p.from, v - 60_000)).toISOString(), to: new Date(v).toISOString() }); }} /></label>
        <span class="push" />
        {total !== null && <span class="grey" role="status">{t('readings.count', { n: total, count: number(total) })}</span>}
        {may('reading.write') && <button type="button" class="btn" onClick={() => show('new')}><Icon svg={plusIcon} />{t('readings.enter')}</button>}
        <a class="btn" href={url(`/devices/${device.id}/readings.csv`, { ...span, points: shown.join(',') })} download><Icon svg={downloadIcon} />CSV</a>
        <ColumnMenu points={all} shown={shown} change={(ids) => setPref(name, all.filter((x) => ids.includes(x.point)).map((x) => x.key))} />
      </div>
      <div class="card grid-card readings-grid">
        <GridView<Row> label={t('tab.readings')} columns={columnsOf(all, shown)} dataKey={JSON.stringify(span)} fetch={fetchRows} id={(r) => r.row}
          drawNarrow={drawNarrow(new Map(all.map((x) => [x.point, x])), shown)} onTotal={setTotal} onOpen={(r) => { if (r.frame !== null) go(`/frames/${r.frame}`); else peek(r); }} onPeek={peek}
          onError={(e) => setError(e instanceof ApiError ? e : null)} api={(g) => { grid.current = g; }} />
        {total === 0 && <div class="grid-over"><Empty title={t('readings.none')} text={t(device.last_reading ? 'readings.noneText' : 'values.noneText')} /></div>}
        {error && total === null && <div class="grid-over"><div class="pad"><Failed what={t('readings.failed')} error={error} retry={() => grid.current?.reset()} /></div></div>}
      </div>
      {open && <Lazy load={loadVersions} quiet props={{ device: device.id, kind: device.kind, points: all, spot: open === 'new' ? null : open, onClose: () => show(null), onChange: () => { points.reload(); grid.current?.refresh(); } }} />}
    </>
  );
}
