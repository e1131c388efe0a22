// The time chart on a canvas: mean line with min-max band, an axis per unit, crosshair shared
// between panels, zoom by dragging, pinch or keys. No framework code runs while drawing, and no
// library: docs/decisions/0002-own-chart.md says why.
import type { Series } from '../api/types';
import { stepDecimals, timeMarks, valueMarks } from '../model/axis';
import { number, places } from '../model/numbers';
import { gapsOf, marksOf, maxOf, meanOf, minOf, nearest, withGaps } from '../model/series';
import { unitText } from '../model/units';
import { textScale } from '../live/prefs';
import { gestures } from './chart-pointer';
import { MARKS } from './quality-mark';

export interface ChartSeries { series: Series; title: string; slot: number; hidden: boolean; previous: boolean }

export interface ChartOptions {
  height: number;
  sync: string;
  onRange: (from: number, to: number) => void;
  onCursor: (time: number | null) => void;
}

interface Line { item: ChartSeries; times: number[]; mean: (number | null)[]; min: (number | null)[] | null; max: (number | null)[] | null; colour: string; band: string; unit: string }
interface Scale { unit: string; lo: number; hi: number; step: number; marks: number[]; labels: string[]; side: 'left' | 'right'; size: number }
interface Box { x: number; y: number; w: number; h: number }

const DASHES: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const PREVIOUS_DASH = [3, 4];
const FAMILY = 'Inter, system-ui, sans-serif';
const TOP = 10;
const FEW_POINTS = 40;
// More marks than these would stand on each other: then the rings stand alone.
const MOST_NAMED = 40;
const RING_SPACE = 6; // px between rings that can still be told apart
const EVENTS = { exchange: '\u21c4', reset: '\u21ba' };

export const slotColour = (slot: number): string => `series-${((slot - 1) % 6) + 1}`;
export const slotDash = (slot: number): number[] => DASHES[Math.floor((slot - 1) / 6) % DASHES.length]!;

/**
 * Computed colours of tokens; canvases cannot read custom properties. With forced colours the frame and
 * the labels take the person's own, the lines keep theirs: they would all be one.
 */
function palette(): (token: string, alpha?: number) => string {
  const known = new Map<string, string>();
  return (token, alpha = 1) => {
    let text = known.get(token);
    if (text === undefined) {
      const probe = document.createElement('i');
      probe.hidden = true;
      probe.style.setProperty('forced-color-adjust', token.startsWith('series') ? 'none' : 'auto');
      probe.style.color = `var(--${token})`;
      document.body.append(probe);
      text = getComputedStyle(probe).color;
      probe.remove();
      known.set(token, text);
    }
    const m = alpha < 1 && /rgba?\(([\d.]+),\s*([\d.]+),\s*([\d.]+)/.exec(text);
    return m ? `rgba(${m[1]}, ${m[2]}, ${m[3]}, ${alpha})` : text;
  };
}

/** Some air above and below; a flat line gets a band of its own size; what never falls below zero stays there. */
function roomy(lo: number, hi: number): [number, number] {
  if (lo > hi) return [0, 1];
  if (lo === hi) { const d = Math.max(Math.abs(lo) * 0.05, 10 ** -places(lo)); return [lo - d, hi + d]; }
  const air = (hi - lo) * 0.06;
  return [lo >= 0 && lo - air < 0 ? 0 : lo - air, hi + air];
}

/** Charts with the same name share their crosshair. */
const groups = new Map<string, Set<Chart>>();

export class Chart {
  private readonly canvas = document.createElement('canvas');
  private readonly over = document.createElement('div');
  private readonly hair = document.createElement('i');
  private readonly select = document.createElement('i');
  private dots: HTMLElement[] = [];
  private lines: Line[] = [];
  private scales: Scale[] = [];
  private box: Box = { x: 0, y: 0, w: 1, h: 1 };
  private from = 0;
  private to = 1;
  private width = 0;
  private ratio = 1;
  private readonly em = textScale();
  private readonly font = `${12 * this.em}px ${FAMILY}`;
  private ink = palette();
  private readonly resize: ResizeObserver;
  private readonly stopGestures: () => void;

  constructor(private readonly host: HTMLElement, private readonly o: ChartOptions) {
    this.over.className = 'chart-over';
    this.hair.className = 'chart-hair';
    this.select.className = 'chart-select';
    this.hair.hidden = this.select.hidden = true;
    this.over.append(this.select, this.hair);
    host.append(this.canvas, this.over);
    const group = groups.get(o.sync) ?? new Set();
    groups.set(o.sync, group.add(this));
    this.stopGestures = gestures(this.over, {
      timeAt: (x) => this.timeAt(x),
      hover: (x) => this.hover(x),
      selecting: (a, b) => this.showSelection(a, b),
      preview: (from, to) => { this.from = from; this.to = to; this.draw(); },
      zoom: (from, to) => o.onRange(from, to),
    });
    // Another width, or another zoom of the browser; the height that drawing gives the host is no news.
    this.resize = new ResizeObserver(() => { if (host.clientWidth && (host.clientWidth !== this.width || devicePixelRatio !== this.ratio)) this.draw(); });
    this.resize.observe(host);
  }

  destroy(): void {
    this.resize.disconnect();
    this.stopGestures();
    groups.get(this.o.sync)?.delete(this);
    this.canvas.remove();
    this.over.remove();
  }

  show(list: ChartSeries[], from: number, to: number): void {
    this.from = from;
    this.to = to;
    // A theme may have changed since the last time.
    this.ink = palette();
    this.lines = list.map((item): Line => {
      const s = item.series;
      const banded = s.mode === 'buckets' && !item.previous;
      const g = withGaps(s.times, banded ? [meanOf(s), minOf(s), maxOf(s)] : [meanOf(s)]);
      const token = slotColour(item.slot);
      return { item, times: g.times, mean: g.columns[0]!, min: g.columns[1] ?? null, max: g.columns[2] ?? null,
        colour: this.ink(token, item.previous ? 0.65 : 1), band: this.ink(token, 0.18), unit: s.unit };
    });
    for (const d of this.dots) d.remove();
    this.dots = this.lines.map((l) => {
      const dot = document.createElement('i');
      dot.className = 'chart-dot';
      dot.style.background = l.colour;
      dot.hidden = true;
      return dot;
    });
    this.over.append(...this.dots);
    this.draw();
  }

  private timeAt(x: number): number { return this.from + (x / this.box.w) * (this.to - this.from); }
  private xOf(time: number): number { return this.box.x + ((time - this.from) / (this.to - this.from)) * this.box.w; }
  private yOf(s: Scale, v: number): number { return this.box.y + (1 - (v - s.lo) / (s.hi - s.lo)) * this.box.h; }
  private scaleOf(unit: string): Scale { return this.scales.find((s) => s.unit === unit)!; }

  /** Smallest and largest value of a unit on screen; hidden lines count only when nothing else is left. */
  private span(unit: string): [number, number] {
    const mine = this.lines.filter((l) => l.unit === unit);
    const shown = mine.filter((l) => !l.item.hidden);
    let lo = Infinity;
    let hi = -Infinity;
    for (const l of shown.length ? shown : mine) {
      for (let i = 0; i < l.times.length; i++) {
        if (l.times[i + 1]! < this.from || l.times[i - 1]! > this.to) continue;
        const v = l.mean[i];
        if (v === null || v === undefined) continue;
        lo = Math.min(lo, l.min?.[i] ?? v);
        hi = Math.max(hi, l.max?.[i] ?? v);
      }
    }
    return roomy(lo, hi);
  }

  private layout(ctx: CanvasRenderingContext2D): void {
    const h = this.o.height - TOP - 42 * this.em;
    ctx.font = this.font;
    this.scales = [...new Set(this.lines.map((l) => l.unit))].map((unit, i): Scale => {
      const [lo, hi] = this.span(unit);
      const { step, marks } = valueMarks(lo, hi, h / (36 * this.em));
      const labels = marks.map((v) => number(v, stepDecimals(step)));
      const size = Math.max(34, Math.ceil(Math.max(0, ...labels.map((t) => ctx.measureText(t).width))) + 14) + (unitText(unit) ? 20 * this.em : 0);
      return { unit, lo, hi, step, marks, labels, side: i % 2 === 0 ? 'left' : 'right', size };
    });
    const sum = (side: Scale['side']): number => this.scales.reduce((n, s) => n + (s.side === side ? s.size : 0), 0);
    const x = sum('left') || 12;
    this.box = { x, y: TOP, w: Math.max(40, this.width - x - (sum('right') || 12)), h };
    const place = { left: `${x}px`, top: `${TOP}px`, width: `${this.box.w}px`, height: `${h}px` };
    Object.assign(this.over.style, place);
  }

  private draw(): void {
    const ratio = devicePixelRatio || 1;
    this.ratio = ratio;
    this.width = this.host.clientWidth || 600;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.o.height * ratio);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.o.height}px`;
    const ctx = this.canvas.getContext('2d')!;
    ctx.scale(ratio, ratio);
    this.layout(ctx);
    this.drawTimes(ctx);
    this.drawScales(ctx);
    ctx.save();
    ctx.beginPath();
    ctx.rect(this.box.x, this.box.y - 2, this.box.w, this.box.h + 4);
    ctx.clip();
    const shown = this.lines.filter((l) => !l.item.hidden);
    for (const l of shown) this.drawBand(ctx, l);
    for (const l of shown) this.drawLine(ctx, l);
    for (const l of shown) this.drawEvents(ctx, l);
    for (const l of shown) this.drawMarks(ctx, l);
    ctx.restore();
  }

  private drawTimes(ctx: CanvasRenderingContext2D): void {
    const { x, y, w, h } = this.box;
    const space = (this.width < 520 ? 70 : 90) * this.em / w * (this.to - this.from);
    ctx.strokeStyle = this.ink('line');
    ctx.fillStyle = this.ink('text-2');
    ctx.lineWidth = 1;
    ctx.textBaseline = 'top';
    ctx.beginPath();
    for (const m of timeMarks(this.from, this.to, space)) {
      const at = Math.round(this.xOf(m.time)) + 0.5;
      ctx.moveTo(at, y);
      ctx.lineTo(at, y + h + 4);
      // The first and the last label stay inside the picture.
      ctx.textAlign = at < 30 * this.em ? 'left' : at > this.width - 30 * this.em ? 'right' : 'center';
      m.label.split('\n').forEach((text, i) => ctx.fillText(text, at, y + h + 8 + i * 15 * this.em));
    }
    ctx.rect(x + 0.5, y + 0.5, w - 1, h - 1);
    ctx.stroke();
  }

  private drawScales(ctx: CanvasRenderingContext2D): void {
    let left = this.box.x;
    let right = this.box.x + this.box.w;
    this.scales.forEach((s, i) => {
      const sign = s.side === 'left' ? -1 : 1;
      const edge = s.side === 'left' ? left : right;
      ctx.strokeStyle = this.ink('line');
      ctx.fillStyle = this.ink('text-2');
      ctx.font = this.font;
      ctx.textBaseline = 'middle';
      ctx.textAlign = s.side === 'left' ? 'right' : 'left';
      ctx.beginPath();
      s.marks.forEach((v, k) => {
        const y = Math.round(this.yOf(s, v)) + 0.5;
        if (i === 0) { ctx.moveTo(this.box.x, y); ctx.lineTo(this.box.x + this.box.w, y); }
        ctx.moveTo(edge, y);
        ctx.lineTo(edge + sign * 4, y);
        ctx.fillText(s.labels[k]!, edge + sign * 8, y);
      });
      ctx.stroke();
      ctx.save();
      ctx.translate(edge + sign * (s.size - 8 * this.em), this.box.y + this.box.h / 2);
      ctx.rotate(-Math.PI / 2);
      ctx.font = `600 ${this.font}`;
      ctx.textAlign = 'center';
      ctx.fillText(unitText(s.unit), 0, 0);
      ctx.restore();
      if (s.side === 'left') left -= s.size; else right += s.size;
    });
  }

  private drawBand(ctx: CanvasRenderingContext2D, l: Line): void {
    if (!l.min || !l.max) return;
    const s = this.scaleOf(l.unit);
    ctx.fillStyle = l.band;
    for (let a = 0; a < l.times.length;) {
      let b = a;
      while (b < l.times.length && l.min[b] !== null && l.max[b] !== null) b++;
      if (b > a) {
        ctx.beginPath();
        for (let i = a; i < b; i++) ctx.lineTo(this.xOf(l.times[i]!), this.yOf(s, l.max[i]!));
        for (let i = b - 1; i >= a; i--) ctx.lineTo(this.xOf(l.times[i]!), this.yOf(s, l.min[i]!));
        ctx.fill();
      }
      a = b + 1;
    }
  }

  private drawLine(ctx: CanvasRenderingContext2D, l: Line): void {
    const s = this.scaleOf(l.unit);
    ctx.strokeStyle = ctx.fillStyle = l.colour;
    ctx.lineWidth = l.item.previous ? 1.25 : 1.75;
    ctx.lineJoin = 'round';
    ctx.setLineDash(l.item.previous ? PREVIOUS_DASH : slotDash(l.item.slot));
    ctx.beginPath();
    let pen = false;
    for (let i = 0; i < l.times.length; i++) {
      const v = l.mean[i];
      if (v === null || v === undefined) { pen = false; continue; }
      const x = this.xOf(l.times[i]!);
      const y = this.yOf(s, v);
      if (pen) ctx.lineTo(x, y); else ctx.moveTo(x, y);
      pen = true;
    }
    ctx.stroke();
    ctx.setLineDash([]);
    if (l.item.series.times.length >= FEW_POINTS) return;
    l.times.forEach((time, i) => {
      const v = l.mean[i];
      if (v === null || v === undefined) return;
      ctx.beginPath();
      ctx.arc(this.xOf(time), this.yOf(s, v), 2.5, 0, 2 * Math.PI);
      ctx.fill();
    });
  }

  /** Values that were not simply measured, or buckets with such: a ring, and where there is room the mark that tables have. */
  private drawMarks(ctx: CanvasRenderingContext2D, l: Line): void {
    const s = this.scaleOf(l.unit);
    const { times } = l.item.series;
    const values = meanOf(l.item.series);
    const marks = [...marksOf(l.item.series)].filter(([i]) => times[i]! >= this.from && times[i]! <= this.to).sort((a, b) => a[0] - b[0]);
    ctx.lineWidth = 1.5;
    ctx.font = this.font;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'bottom';
    let last = -Infinity;
    for (const [i, quality] of marks) {
      const v = values[i];
      const x = this.xOf(times[i]!);
      if (typeof v !== 'number' || (marks.length > MOST_NAMED && x - last < RING_SPACE)) continue;
      last = x;
      const y = this.yOf(s, v);
      ctx.fillStyle = this.ink('surface');
      ctx.strokeStyle = l.colour;
      ctx.beginPath();
      ctx.arc(x, y, 4, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
      ctx.fillStyle = this.ink('text');
      if (marks.length <= MOST_NAMED) ctx.fillText(MARKS[quality] ?? '', x, y - 6);
    }
  }

  /** Outages as bars on the time axis; exchanges and resets as lines from top to bottom with their sign. */
  private drawEvents(ctx: CanvasRenderingContext2D, l: Line): void {
    const { y, h } = this.box;
    ctx.fillStyle = ctx.strokeStyle = l.colour;
    for (const g of gapsOf(l.item.series)) {
      if (g.to < this.from || g.from > this.to) continue;
      const x = this.xOf(g.from);
      ctx.fillRect(x, y + h - 5, Math.max(3, this.xOf(g.to) - x), 5);
    }
    ctx.lineWidth = 1;
    ctx.setLineDash([4, 3]);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'top';
    for (const e of l.item.series.events ?? []) {
      if (e.time < this.from || e.time > this.to) continue;
      const x = Math.round(this.xOf(e.time)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x, y + h);
      ctx.stroke();
      ctx.fillText(EVENTS[e.kind], Math.min(x + 3, this.box.x + this.box.w - 16), y + 4);
    }
    ctx.setLineDash([]);
  }

  /** The pointer is at `x` of the drawing area, or gone: every chart of the group follows. */
  private hover(x: number | null): void {
    let time: number | null = null;
    if (x !== null) {
      const wanted = this.timeAt(x);
      for (const l of this.lines) {
        const near = l.item.series.times[nearest(l.item.series.times, wanted)];
        if (near !== undefined && (time === null || Math.abs(near - wanted) < Math.abs(time - wanted))) time = near;
      }
    }
    for (const chart of groups.get(this.o.sync) ?? []) chart.point(time);
    this.o.onCursor(time);
  }

  private point(time: number | null): void {
    const inside = time !== null && time >= this.from && time <= this.to;
    this.hair.hidden = !inside;
    if (inside) this.hair.style.transform = `translateX(${this.xOf(time) - this.box.x}px)`;
    this.lines.forEach((l, k) => {
      const i = inside ? nearest(l.times, time) : -1;
      const v = l.mean[i];
      const at = l.times[i];
      const dot = this.dots[k]!;
      dot.hidden = l.item.hidden || v === null || v === undefined || at === undefined || at < this.from || at > this.to;
      if (!dot.hidden) dot.style.transform = `translate(${this.xOf(at!) - this.box.x}px, ${this.yOf(this.scaleOf(l.unit), v!) - this.box.y}px)`;
    });
  }

  private showSelection(a: number | null, b: number): void {
    this.select.hidden = a === null;
    if (a === null) return;
    const left = Math.max(0, Math.min(a, b));
    const right = Math.min(this.box.w, Math.max(a, b));
    Object.assign(this.select.style, { left: `${left}px`, width: `${right - left}px` });
  }
}
