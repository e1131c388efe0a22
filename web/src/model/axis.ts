// Where an axis puts its marks: round numbers, and round times of the site's zone.
import { language } from './i18n';
import { add, civil, instant, startOf, type Unit } from './time';

/** Round values inside [lo, hi], at most `most` of them; with the step between them. */
export function valueMarks(lo: number, hi: number, most: number): { step: number; marks: number[] } {
  const rough = (hi - lo) / Math.max(1, most);
  if (!(rough > 0) || !Number.isFinite(rough)) return { step: 1, marks: [] };
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((m) => m * decade >= rough * (1 - 1e-9)) ?? 10) * decade;
  const marks: number[] = [];
  // Multiples instead of a running sum: 0.1 + 0.1 + 0.1 is not 0.3.
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) marks.push(k * step);
  return { step, marks };
}

/** Decimals that tell two neighbouring marks apart. */
export function stepDecimals(step: number): number {
  for (let d = 0; d < 3; d++) if (Math.abs(step * 10 ** d - Math.round(step * 10 ** d)) < 1e-6 * step * 10 ** d) return d;
  return 3;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
interface Step { unit: Unit | 'ms'; n: number; ms: number }
const STEPS: Step[] = [
  ...[1, 5, 15, 30].map((n): Step => ({ unit: 'ms', n: n * SECOND, ms: n * SECOND })),
  ...[1, 2, 5, 10, 15, 30].map((n): Step => ({ unit: 'ms', n: n * MINUTE, ms: n * MINUTE })),
  ...[1, 2, 3, 6, 12].map((n): Step => ({ unit: 'hour', n, ms: n * HOUR })),
  ...[1, 2, 4].map((n): Step => ({ unit: 'day', n, ms: n * DAY })),
  ...[1, 2].map((n): Step => ({ unit: 'week', n, ms: n * 7 * DAY })),
  ...[1, 3, 6].map((n): Step => ({ unit: 'month', n, ms: n * 30.4 * DAY })),
  ...[1, 2, 5, 10, 50].map((n): Step => ({ unit: 'year', n, ms: n * 365.25 * DAY })),
];

/** The first mark at or before `from`, on a multiple of the step. */
function firstMark(s: Step, from: number): number {
  const c = civil(from);
  const day = Math.floor(Date.UTC(c.y, c.mo - 1, c.d) / DAY);
  switch (s.unit) {
    case 'ms': { const hour = startOf('hour', from); return hour + Math.floor((from - hour) / s.n) * s.n; }
    case 'hour': return startOf('day', from);
    case 'day': return add('day', startOf('day', from), -(day % s.n));
    case 'week': return startOf('week', from);
    case 'month': return startOf('year', from);
    case 'year': return instant({ y: Math.floor(c.y / s.n) * s.n });
  }
}

function nextMark(s: Step, at: number): number {
  if (s.unit === 'ms') return at + s.n;
  if (s.unit !== 'hour') return add(s.unit, at, s.n);
  // Hours of the clock on the wall, so that 06:00 stays 06:00 on days of 23 and 25 hours.
  const c = civil(at);
  const next = instant({ y: c.y, mo: c.mo, d: c.d, h: c.h - (c.h % s.n) + s.n });
  return s.n === 1 || next <= at ? at + HOUR : next;
}

const two = (n: number): string => String(n).padStart(2, '0');
function monthNames(): string[] {
  const f = new Intl.DateTimeFormat(language(), { month: 'short', timeZone: 'UTC' });
  return Array.from({ length: 12 }, (_, i) => f.format(Date.UTC(2024, i, 15)));
}

/** Labels: times below a day's step, days and months above; a new day or year is named in a second line. */
function labels(marks: number[], step: number): string[] {
  const months = monthNames();
  let last = '';
  return marks.map((ms) => {
    const c = civil(ms);
    const day = `${c.d} ${months[c.mo - 1]}`;
    const years = step >= 360 * DAY;
    const [text, context] = years ? [String(c.y), ''] : step >= 27 * DAY ? [months[c.mo - 1]!, String(c.y)] : step >= DAY ? [day, String(c.y)]
      : [`${two(c.h)}:${two(c.mi)}${step < MINUTE ? ':' + two(c.s) : ''}`, day];
    const named = context !== '' && context !== last;
    last = context;
    return named ? `${text}\n${context}` : text;
  });
}

export interface TimeMark { time: number; label: string }

/** Round times inside [from, to], at least `space` ms apart. */
export function timeMarks(from: number, to: number, space: number): TimeMark[] {
  const step = STEPS.find((s) => s.ms >= space) ?? STEPS[STEPS.length - 1]!;
  const marks: number[] = [];
  let at = firstMark(step, from);
  while (at <= to && marks.length < 200) {
    if (at >= from) marks.push(at);
    const next = nextMark(step, at);
    if (next <= at) break;
    at = next;
  }
  const text = labels(marks, step.ms);
  return marks.map((time, i) => ({ time, label: text[i]! }));
}
