// Periods of the chart and their way into the address bar.
import { add, startOf, type Unit } from './time';
import type { State } from './query';

export type Range = 'day' | 'week' | 'month' | 'year' | 'free';
export interface Period { range: Range; from: number; to: number; live: boolean }
export const RANGES: Exclude<Range, 'free'>[] = ['day', 'week', 'month', 'year'];

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, '');

/** From the query: a preset that follows the clock, a calendar period (`at`), or free (`from`, `to`). */
export function readPeriod(q: State, now: number, fallback: Range = 'week'): Period {
  const from = Date.parse(q['from'] ?? '');
  const to = Date.parse(q['to'] ?? '');
  if (from < to) return { range: 'free', from, to, live: false };
  const range = (RANGES as string[]).includes(q['range'] ?? '') ? q['range'] as Unit : fallback === 'free' ? 'week' : fallback;
  const at = Date.parse(q['at'] ?? '');
  if (!Number.isNaN(at)) {
    const start = startOf(range, at);
    return { range: range as Range, from: start, to: add(range, start, 1), live: false };
  }
  // The end moves in whole minutes, so that the same view asks for the same data.
  const end = Math.ceil(now / 60_000) * 60_000;
  return { range: range as Range, from: add(range, end, -1), to: end, live: true };
}

type Change = Record<string, string>;
export const presetQuery = (range: Range): Change => ({ range, at: '', from: '', to: '' });
export const freeQuery = (from: number, to: number): Change => ({ range: '', at: '', from: iso(from), to: iso(to) });

/** One period back or forward; from a live window into whole calendar periods. */
export function stepQuery(p: Period, n: 1 | -1, now: number): Change {
  if (p.range === 'free') {
    const span = p.to - p.from;
    return freeQuery(p.from + n * span, p.to + n * span);
  }
  const start = p.live ? add(p.range, startOf(p.range, p.to - 1), n) : add(p.range, p.from, n);
  if (start > now) return presetQuery(p.range);
  return { range: p.range, at: iso(start), from: '', to: '' };
}

/** Twice as long around the same middle, not into the future further than needed. */
export function zoomOutQuery(p: Period, now: number): Change {
  const span = p.to - p.from;
  const to = Math.min(Math.max(now, p.to), p.to + span / 2);
  return freeQuery(to - 2 * span, to);
}
export function zoomInQuery(p: Period): Change {
  const span = p.to - p.from;
  return freeQuery(p.from + span / 4, p.to - span / 4);
}

/** The period to compare with: the one before, of the same kind. */
export function before(p: Period): { from: number; to: number } {
  if (p.range === 'free') return { from: p.from - (p.to - p.from), to: p.from };
  return { from: add(p.range, p.from, -1), to: add(p.range, p.to, -1) };
}
