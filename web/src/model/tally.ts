// What was counted, by calendar periods: which periods stand together on a page, and the table of many meters.
import { language } from './i18n';
import { add, civil, clock, startOf, type Unit } from './time';

/** A step and the span that shows it: the hours of a day, the days of a month ... */
export interface Step { step: Unit; span: Unit; spans: number }
export const STEPS: Step[] = [
  { step: 'hour', span: 'day', spans: 1 }, { step: 'day', span: 'month', spans: 1 },
  { step: 'month', span: 'year', spans: 1 }, { step: 'year', span: 'year', spans: 10 },
];
export interface Span { from: number; to: number; before: number }

export function spanOf(s: Step, at: number): Span {
  const first = add(s.span, startOf(s.span, at), 1 - s.spans);
  return { from: first, to: add(s.span, first, s.spans), before: add(s.span, first, -s.spans) };
}
/** The same span, earlier or later. */
export const moved = (s: Step, span: Span, n: number): number => add(s.span, s.spans > 1 ? add(s.span, span.to, -1) : span.from, n * s.spans);

/** Beginnings of the periods of a span. */
export function starts(s: Step, span: Span): number[] {
  const out: number[] = [];
  for (let at = span.from; at < span.to; at = add(s.step, at, 1)) out.push(at);
  return out;
}

/** A period as the head of a column. */
export function shortLabel(step: Unit, ms: number): string {
  const c = civil(ms);
  if (step === 'hour') return clock(ms);
  if (step === 'day') return String(c.d);
  if (step === 'year') return String(c.y);
  return new Intl.DateTimeFormat(language(), { month: 'short', timeZone: 'UTC' }).format(Date.UTC(c.y, c.mo - 1, 15));
}

/** One row of a meter as the server tells it (rows=brief), with its times in ms. */
export interface Counted { start: number; end: number; value: number | null; quality: string | null; flags: string[]; absent?: number }
/** `absent`: meters that are not in a sum. */
export interface Cell { value: number | null; quality: string | null; flags: string[]; absent?: number }
export interface TallyRow {
  /** Not above 0 in the rows of all meters together, one for each unit. */
  device: number; point: number; name: string; serial: string; unit: string; cells: (Cell | null)[];
  total: number | null; quality: string | null; flags: string[];
  /** Periods that are over and not known; of all meters together the meters that have such. */
  missing: number;
  /** Values that are not in a sum. */
  absent: number;
}

/** From the worst. */
export const DUBIOUS = ['doubtful', 'estimated', 'manual', 'corrected'];

/** Index of the period that the middle of a row lies in: a meter's own settlement shifts its periods. */
function placeOf(periods: number[], end: number, row: Counted): number {
  const middle = (row.start + row.end) / 2;
  if (middle < periods[0]! || middle >= end) return -1;
  let i = periods.length - 1;
  while (periods[i]! > middle) i--;
  return i;
}

/** The rows of a meter, or of all, each in the column of its period. */
export function cellsOf(rows: Counted[], periods: number[], end: number): (Cell | null)[] {
  const cells: (Cell | null)[] = periods.map(() => null);
  for (const r of rows) {
    const i = placeOf(periods, end, r);
    if (i >= 0) cells[i] = { value: r.value, quality: r.quality, flags: r.flags, absent: r.absent ?? 0 };
  }
  return cells;
}

/** Sorted by "name", "serial", "unit", "total", "missing" or "p3", the fourth period; what is not known comes last. Numbers
    are compared within a unit, and the units come in the order of `units`. */
export function sorted(rows: TallyRow[], key: string, down: boolean, units: string[]): TallyRow[] {
  const period = /^p(\d+)$/.exec(key);
  const number = (r: TallyRow): number | null => (period ? r.cells[Number(period[1])]?.value ?? null : key === 'missing' ? r.missing : r.total);
  const text = (r: TallyRow): string => (key === 'serial' ? r.serial : key === 'unit' ? r.unit : r.name);
  const order = new Intl.Collator(language(), { numeric: true });
  const sign = down ? -1 : 1;
  const byText = key === 'name' || key === 'serial' || key === 'unit';
  const place = new Map(units.map((u, i) => [u, key === 'missing' ? 0 : i]));
  return [...rows].sort((a, b) => {
    if (byText) return sign * order.compare(text(a), text(b));
    if (a.unit !== b.unit && place.get(a.unit) !== place.get(b.unit)) return (place.get(a.unit) ?? 0) - (place.get(b.unit) ?? 0);
    const [x, y] = [number(a), number(b)];
    return x === null || y === null ? Number(x === null) - Number(y === null) : sign * (x - y);
  });
}
