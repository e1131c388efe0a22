// Columns for the chart: several series with their own times become one table over all times.
import type { Series } from '../api/types';

export type Column = (number | null)[];
export interface Joined { times: number[]; columns: Column[] }

/** The union of all times; a series has null where it has no value, undefined never. */
export function join(parts: { times: number[]; values: Column }[]): Joined {
  const all = new Set<number>();
  for (const p of parts) for (const time of p.times) all.add(time);
  const times = [...all].sort((a, b) => a - b);
  const at = new Map(times.map((time, i) => [time, i]));
  const columns = parts.map((p) => {
    const column: Column = new Array<number | null>(times.length).fill(null);
    p.times.forEach((time, i) => { column[at.get(time)!] = p.values[i] ?? null; });
    return column;
  });
  return { times, columns };
}

/** Mean of a series for drawing: raw values are their own mean. */
export const meanOf = (s: Series): Column => (s.mode === 'raw' ? s.values : s.mean) ?? [];
export const minOf = (s: Series): Column => (s.mode === 'raw' ? s.values : s.min) ?? [];
export const maxOf = (s: Series): Column => (s.mode === 'raw' ? s.values : s.max) ?? [];

/** Moves a series of another period onto this one, so that both share the time axis. */
export function shift(s: Series, by: number): Series {
  return { ...s, times: s.times.map((time) => time + by) };
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

/** The longest gap that still belongs to a line: three usual steps, so that outages stay visible. */
export function gapLimit(times: readonly number[]): number {
  if (times.length < 3) return Infinity;
  const steps: number[] = [];
  for (let i = 1; i < times.length; i++) steps.push(times[i]! - times[i - 1]!);
  steps.sort((a, b) => a - b);
  return 3.5 * steps[steps.length >> 1]!;
}
