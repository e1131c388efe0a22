// The time chart on a canvas: mean line with min-max band, an axis per unit, crosshair shared
// between panels, zoom by dragging, pinch or keys. No framework code runs while drawing.
import uPlot from 'uplot';
import type { Series } from '../api/types';
import { places } from '../model/numbers';
import { number } from '../model/numbers';
import { join, maxOf, meanOf, minOf, withGaps, type Column } from '../model/series';
import { civil, siteZone } from '../model/time';
import { unitText } from '../model/units';

export interface ChartSeries { series: Series; title: string; slot: number; hidden: boolean; previous: boolean }

export interface ChartOptions {
  height: number;
  sync: string;
  onRange: (from: number, to: number) => void;
  onCursor: (time: number | null) => void;
}

const DASHES: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const PREVIOUS_DASH = [3, 4];

/** The computed colour of a token; canvases cannot read custom properties. */
function colour(token: string, alpha = 1): string {
  const probe = document.createElement('i');
  probe.style.color = `var(--${token})`;
  probe.style.display = 'none';
  document.body.append(probe);
  const text = getComputedStyle(probe).color;
  probe.remove();
  if (alpha === 1) return text;
  const m = /rgba?\(([\d.]+),\s*([\d.]+),\s*([\d.]+)/.exec(text);
  return m ? `rgba(${m[1]}, ${m[2]}, ${m[3]}, ${alpha})` : text;
}

export const slotColour = (slot: number): string => `series-${((slot - 1) % 6) + 1}`;
export const slotDash = (slot: number): number[] => DASHES[Math.floor((slot - 1) / 6) % DASHES.length]!;

const two = (n: number): string => String(n).padStart(2, '0');
const MONTHS = (): string[] => Array.from({ length: 12 }, (_, i) => new Intl.DateTimeFormat(document.documentElement.lang || 'en', { month: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, i, 15)));

/** Labels of the time axis: hours below a day step, day and month from there on; a new day or year is named. */
function timeLabels(splits: number[], step: number): string[] {
  const months = MONTHS();
  let last = '';
  return splits.map((ms) => {
    const c = civil(ms);
    const day = `${c.d} ${months[c.mo - 1]}`;
    if (step >= 86_400_000 * 27) { const y = String(c.y); const text = y === last ? months[c.mo - 1]! : `${months[c.mo - 1]}\n${y}`; last = y; return text; }
    if (step >= 86_400_000) { const y = String(c.y); const text = y === last ? day : `${day}\n${y}`; last = y; return text; }
    const text = `${two(c.h)}:${two(c.mi)}${step < 60_000 ? ':' + two(c.s) : ''}`;
    if (day === last) return text;
    last = day;
    return `${text}\n${day}`;
  });
}

function pinch(onRange: (a: number, b: number) => void): uPlot.Plugin {
  return {
    hooks: {
      ready: (u: uPlot) => {
        let start: { a: number; b: number; min: number; max: number } | null = null;
        const at = (t: Touch): number => t.clientX - u.over.getBoundingClientRect().left;
        const solve = (e: TouchEvent): [number, number] | null => {
          if (!start || e.touches.length !== 2) return null;
          // Both fingers keep the times they grabbed.
          const x1 = at(e.touches[0]!);
          const x2 = at(e.touches[1]!);
          const width = u.over.clientWidth;
          const scale = (start.b - start.a) / (x2 - x1 || 1);
          const min = start.a - x1 * scale;
          return scale > 0 ? [min, min + width * scale] : null;
        };
        let newest: [number, number] | null = null;
        u.over.addEventListener('touchstart', (e) => {
          if (e.touches.length !== 2) return;
          e.preventDefault();
          start = { a: u.posToVal(at(e.touches[0]!), 'x'), b: u.posToVal(at(e.touches[1]!), 'x'), min: u.scales['x']!.min!, max: u.scales['x']!.max! };
        }, { passive: false });
        u.over.addEventListener('touchmove', (e) => {
          const r = solve(e);
          if (!r) return;
          e.preventDefault();
          newest = r;
          u.setScale('x', { min: r[0], max: r[1] });
        }, { passive: false });
        u.over.addEventListener('touchend', (e) => {
          if (start && newest && e.touches.length < 2) onRange(newest[0], newest[1]);
          if (e.touches.length < 2) { start = null; newest = null; }
        });
      },
    },
  };
}

export class Chart {
  private plot: uPlot | null = null;
  private list: ChartSeries[] = [];
  private from = 0;
  private to = 1;
  private readonly resize: ResizeObserver;
  private width = 0;

  constructor(private readonly host: HTMLElement, private readonly o: ChartOptions) {
    this.resize = new ResizeObserver(() => {
      const w = host.clientWidth;
      if (w && w !== this.width) { this.width = w; this.plot?.setSize({ width: w, height: this.o.height }); }
    });
    this.resize.observe(host);
  }

  destroy(): void {
    this.resize.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  show(list: ChartSeries[], from: number, to: number): void {
    this.list = list;
    this.from = from;
    this.to = to;
    this.build();
  }

  private data(): { table: uPlot.AlignedData; columns: { item: ChartSeries; role: 'mean' | 'min' | 'max' }[] } {
    const parts: { times: number[]; values: (number | null)[] }[] = [];
    const columns: { item: ChartSeries; role: 'mean' | 'min' | 'max' }[] = [];
    for (const item of this.list) {
      const s = item.series;
      const band = s.mode === 'buckets' && !item.previous;
      const g = withGaps(s.times, band ? [meanOf(s), minOf(s), maxOf(s)] : [meanOf(s)]);
      (band ? ['mean', 'min', 'max'] as const : ['mean'] as const).forEach((role, k) => {
        parts.push({ times: g.times, values: g.columns[k]! });
        columns.push({ item, role });
      });
    }
    const joined = join(parts);
    return { table: [joined.times, ...joined.columns as Column[]] as unknown as uPlot.AlignedData, columns };
  }

  private build(): void {
    this.plot?.destroy();
    this.width = this.host.clientWidth || 600;
    const { table, columns } = this.data();
    const units = [...new Set(this.list.map((s) => s.series.unit))];
    const grid = colour('line');
    const ink = colour('text-2');
    const font = '12px Inter, system-ui, sans-serif';
    const series: uPlot.Series[] = [{}];
    const bands: uPlot.Band[] = [];
    columns.forEach(({ item, role }, i) => {
      const token = slotColour(item.slot);
      const line = role === 'mean';
      series.push({
        label: item.title, scale: item.series.unit || 'none', show: !item.hidden, spanGaps: false,
        stroke: line ? colour(token, item.previous ? 0.65 : 1) : 'transparent', width: line ? (item.previous ? 1.25 : 1.75) : 0,
        dash: item.previous ? PREVIOUS_DASH : slotDash(item.slot),
        points: { show: line && item.series.times.length < 40 ? true : false, size: 5 },
      });
      if (role === 'max') bands.push({ series: [i + 1, i], fill: colour(token, 0.18) });
    });
    const scales: uPlot.Scales = { x: { time: true, range: () => [this.from, this.to] } };
    for (const u of units) scales[u || 'none'] = { range: (_p, lo, hi) => roomy(lo, hi) };
    const narrow = this.width < 520;
    const axes: uPlot.Axis[] = [{
      stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 }, space: narrow ? 70 : 90, size: 42,
      values: (_u, splits, _i, _space, incr) => timeLabels(splits, incr),
    }, ...units.map((unit, i): uPlot.Axis => ({
      scale: unit || 'none', side: i % 2 === 0 ? 3 : 1, stroke: ink, font, labelFont: `600 ${font}`, label: unitText(unit) || ' ', labelSize: 20, labelGap: 2,
      grid: { show: i === 0, stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 }, size: (_p, values) => axisSize(values), gap: 4, space: 36,
      values: (_u, splits, _i, _s, incr) => splits.map((v) => number(v, Math.max(0, Math.min(3, -Math.floor(Math.log10(incr || 1)))))),
    }))];
    this.plot = new uPlot({
      width: this.width, height: this.o.height, ms: 1, tzDate: (ms) => uPlot.tzDate(new Date(ms), siteZone()),
      legend: { show: false }, padding: [10, units.length > 1 ? 0 : 12, 0, 0],
      cursor: { sync: { key: this.o.sync, setSeries: false }, drag: { x: true, y: false, setScale: false }, points: { size: 7 }, focus: { prox: -1 } },
      series, bands, scales, axes,
      plugins: [pinch(this.o.onRange)],
      hooks: {
        setSelect: [(u) => {
          if (u.select.width < 6) return;
          const a = u.posToVal(u.select.left, 'x');
          const b = u.posToVal(u.select.left + u.select.width, 'x');
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          this.o.onRange(a, b);
        }],
        setCursor: [(u) => { this.o.onCursor(u.cursor.idx === null || u.cursor.idx === undefined || (u.cursor.left ?? -1) < 0 ? null : u.data[0][u.cursor.idx] ?? null); }],
      },
    }, table, this.host);
  }
}

/** Some air above and below; a flat line gets a band of its own size. */
function roomy(lo: number | null, hi: number | null): [number, number] {
  if (lo === null || hi === null) return [0, 1];
  if (lo === hi) { const d = Math.max(Math.abs(lo) * 0.05, 10 ** -places(lo)); return [lo - d, hi + d]; }
  const air = (hi - lo) * 0.06;
  const min = lo >= 0 && lo - air < 0 ? 0 : lo - air;
  return [min, hi + air];
}

function axisSize(values: string[] | null): number {
  const longest = Math.max(0, ...(values ?? []).map((v) => v.length));
  return Math.max(34, longest * 7 + 14);
}
