// Columns for the chart: several series with their own times become one table over all times.
import type { Series } from '../api/types';

/** null = measured gap, undefined = another series' time: the line runs through. */
export type Column = (number | null | undefined)[];
export interface Joined { times: number[]; columns: Column[] }

/** The union of all times; a series is undefined where only others have a value. */
export function join(parts: { times: readonly number[]; values: readonly (number | null | undefined)[] }[]): Joined {
  const all = new Set<number>();
  for (const p of parts) for (const time of p.times) all.add(time);
  const times = [...all].sort((a, b) => a - b);
  const at = new Map(times.map((time, i) => [time, i]));
  const columns = parts.map((p) => {
    const column: Column = new Array<undefined>(times.length).fill(undefined);
    p.times.forEach((time, i) => { column[at.get(time)!] = p.values[i] ?? null; });
    return column;
  });
  return { times, columns };
}

type Numbers = (number | null)[];
/** What is drawn as the line: raw values are their own mean. */
export const meanOf = (s: Series): Numbers => (s.mode === 'raw' ? s.values : s.mean) ?? [];
export const minOf = (s: Series): Numbers => (s.mode === 'raw' ? s.values : s.min) ?? [];
export const maxOf = (s: Series): Numbers => (s.mode === 'raw' ? s.values : s.max) ?? [];

/** Moves a series of another period onto this one, so that both share the time axis. */
export function shift(s: Series, by: number): Series {
  return {
    ...s, times: s.times.map((time) => time + by), gaps: s.gaps?.map((g) => ({ from: g.from + by, to: g.to + by })),
    events: s.events?.map((e) => ({ ...e, time: e.time + by })),
  };
}

/** Index of the time nearest to `x`, for the crosshair and the table twin. */
export function nearest(times: readonly number[], x: number): number {
  let lo = 0;
  let hi = times.length - 1;
  if (hi < 0) return -1;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (times[mid]! < x) lo = mid + 1; else hi = mid;
  }
  return lo > 0 && x - times[lo - 1]! <= times[lo]! - x ? lo - 1 : lo;
}

/** The longest step that still belongs to a line: some usual steps, so that outages stay visible. */
export function gapLimit(times: readonly number[]): number {
  if (times.length < 4) return Infinity;
  const steps: number[] = [];
  for (let i = 1; i < times.length; i++) steps.push(times[i]! - times[i - 1]!);
  steps.sort((a, b) => a - b);
  return 3.5 * steps[steps.length >> 1]!;
}

/** Puts a null into every outage, so that no line is drawn across it. */
export function withGaps(times: readonly number[], columns: readonly Numbers[]): { times: number[]; columns: Numbers[] } {
  const limit = gapLimit(times);
  const outTimes: number[] = [];
  const out: Numbers[] = columns.map(() => []);
  times.forEach((time, i) => {
    if (i > 0 && time - times[i - 1]! > limit) {
      outTimes.push(times[i - 1]! + 1);
      out.forEach((c) => c.push(null));
    }
    outTimes.push(time);
    out.forEach((c, k) => c.push(columns[k]![i] ?? null));
  });
  return { times: outTimes, columns: out };
}

/** Quality of the values that were not simply measured, by their index; the worst comes first in a bucket. */
export const marksOf = (s: Series): Map<number, string> => new Map((s.marks ?? []).map((m): [number, string] => [m.index, m.quality]).reverse());

/** Outages: those the server found in buckets, and steps between raw values that break the line. */
export function gapsOf(s: Series): { from: number; to: number }[] {
  if (s.mode !== 'raw') return s.gaps ?? [];
  let found = rawGaps.get(s);
  if (!found) {
    const limit = gapLimit(s.times);
    found = s.times.flatMap((to, i) => (i > 0 && to - s.times[i - 1]! > limit ? [{ from: s.times[i - 1]!, to }] : []));
    rawGaps.set(s, found);
  }
  return found;
}
const rawGaps = new WeakMap<Series, { from: number; to: number }[]>();

export interface Hidden { marks: { quality: string; count: number }[]; gap: number; events: string[] }
/** What lies behind the value of this index: from its time to the next one, of a raw value what leads to it. Events belong to the nearest. */
export function hiddenAt(s: Series, i: number): Hidden {
  const raw = s.mode === 'raw';
  const from = (raw ? s.times[i - 1] ?? -Infinity : s.times[i]!) + (raw ? 1 : 0);
  const to = raw ? s.times[i]! + 1 : s.times[i + 1] ?? Infinity;
  const within = (time: number): boolean => time >= from && time < to;
  return {
    marks: (s.marks ?? []).filter((m) => m.index === i).map((m) => ({ quality: m.quality, count: m.count ?? 1 })),
    gap: Math.max(0, ...gapsOf(s).filter((g) => within(g.to) || (!raw && g.from < from && g.to >= to)).map((g) => g.to - g.from)),
    events: (s.events ?? []).filter((e) => nearest(s.times, e.time) === i).map((e) => e.kind),
  };
}

export interface Summary { min: number; max: number; mean: number; last: number; count: number }
/** Smallest, largest, mean and last value of a series; null when it has none. */
export function summary(s: Series): Summary | null {
  const mean = meanOf(s);
  const lows = minOf(s);
  const highs = maxOf(s);
  const out: Summary = { min: Infinity, max: -Infinity, mean: 0, last: 0, count: 0 };
  mean.forEach((v, i) => {
    if (v === null) return;
    out.min = Math.min(out.min, lows[i] ?? v);
    out.max = Math.max(out.max, highs[i] ?? v);
    out.mean += v;
    out.last = s.last?.[i] ?? v;
    out.count++;
  });
  if (out.count === 0) return null;
  out.mean /= out.count;
  return out;
}

/** Colour slots 1..6: supply is 1 and return is 2 wherever they are free. */
export function colourSlots(keys: readonly string[]): number[] {
  const wanted: Record<string, number> = { flow_temperature: 1, return_temperature: 2 };
  const slots: number[] = new Array<number>(keys.length).fill(0);
  const used = new Set<number>();
  keys.forEach((key, i) => {
    const w = wanted[key.split('.')[0]!];
    if (w && !used.has(w)) { slots[i] = w; used.add(w); }
  });
  const order = [2, 1, 3, 4, 5, 6];
  let round = 0;
  slots.forEach((slot, i) => {
    if (slot) return;
    let free = order.find((n) => !used.has(n + round * 6));
    if (free === undefined) { round++; free = order.find((n) => !used.has(n + round * 6)) ?? 1; }
    used.add(free + round * 6);
    slots[i] = free + round * 6;
  });
  return slots;
}
