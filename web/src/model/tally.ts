// What was counted, by calendar periods: which periods stand together on a page, and the table of many meters.
import { language } from './i18n';
import { scaled, sumOf } from './numbers';
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

// In the first unit of each row of this table.
const FACTORS: Record<string, number>[] = [
  { kWh: 1, Wh: 0.001, MWh: 1000, GWh: 1e6, kJ: 1 / 3600, MJ: 1 / 3.6, GJ: 1000 / 3.6, J: 1 / 3.6e6 },
  { m3: 1, l: 0.001 }, { kg: 1, t: 1000 }, { kvarh: 1, varh: 0.001 }, { kVAh: 1, VAh: 0.001 },
  { h: 1, min: 1 / 60, s: 1 / 3600, d: 24 },
];

/** What a number in one unit is times, to be in another; null when they do not measure the same. */
export function factor(from: string, to: string): number | null {
  if (from === to) return 1;
  const row = FACTORS.find((f) => from in f && to in f);
  return row ? row[from]! / row[to]! : null;
}

/** The unit that most meters count in. */
export function commonUnit(units: string[]): string {
  const counts = new Map<string, number>();
  for (const u of units) counts.set(u, (counts.get(u) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
}

/** One row of a meter as the server tells it (rows=brief), with its times in ms. */
export interface Counted { start: number; end: number; value: number | null; quality: string | null; flags: string[] }
export interface Cell { value: number | null; quality: string | null; flags: string[] }
export interface TallyRow {
  /** 0 is the row of all meters together. */
  device: number; point: number; name: string; serial: string; cells: (Cell | null)[];
  total: number | null; missing: number; quality: string | null; flags: string[];
}

/** From the worst. */
export const DUBIOUS = ['doubtful', 'estimated', 'manual', 'corrected'];
export function worst(qualities: (string | null)[]): string | null {
  return DUBIOUS.find((q) => qualities.includes(q)) ?? qualities.find((q) => q !== null) ?? null;
}

export const sum = (list: (number | null)[]): number | null => {
  const known = list.filter((n): n is number => n !== null);
  return known.length === 0 ? null : sumOf(known);
};

/** Index of the period that the middle of a row lies in: a meter's own settlement shifts its periods. */
function placeOf(periods: number[], end: number, row: Counted): number {
  const middle = (row.start + row.end) / 2;
  if (middle < periods[0]! || middle >= end) return -1;
  let i = periods.length - 1;
  while (periods[i]! > middle) i--;
  return i;
}

/** The cells of a meter, in a unit. What is not over yet is not missing. */
export function cellsOf(rows: Counted[], periods: number[], end: number, now: number, times: number): { cells: (Cell | null)[]; missing: number } {
  const cells: (Cell | null)[] = periods.map(() => null);
  const over = periods.map((_, i) => (periods[i + 1] ?? end) <= now);
  for (const r of rows) {
    const i = placeOf(periods, end, r);
    if (i < 0) continue;
    cells[i] = { value: r.value === null ? null : scaled(r.value, times), quality: r.quality, flags: r.flags };
    over[i] = r.end <= now;
  }
  return { cells, missing: over.filter((o, i) => o && (cells[i]?.value ?? null) === null).length };
}

export function rowOf(device: number, point: number, name: string, serial: string, found: { cells: (Cell | null)[]; missing: number }): TallyRow {
  return {
    device, point, name, serial, ...found, total: sum(found.cells.map((c) => c?.value ?? null)),
    quality: worst(found.cells.map((c) => c?.quality ?? null)), flags: [...new Set(found.cells.flatMap((c) => c?.flags ?? []))],
  };
}

/** All meters together. `missing` counts the meters of which something is missing. */
export function totals(rows: TallyRow[], name: string): TallyRow {
  const cells = (rows[0]?.cells ?? []).map((_, i): Cell => ({
    value: sum(rows.map((r) => r.cells[i]?.value ?? null)), quality: worst(rows.map((r) => r.cells[i]?.quality ?? null)), flags: [],
  }));
  return { ...rowOf(0, 0, name, '', { cells, missing: rows.filter((r) => r.missing > 0).length }) };
}

/** Sorted by "name", "serial", "total", "missing" or "p3", the fourth period; what is not known comes last. */
export function sorted(rows: TallyRow[], key: string, down: boolean): TallyRow[] {
  const period = /^p(\d+)$/.exec(key);
  const number = (r: TallyRow): number | null => (period ? r.cells[Number(period[1])]?.value ?? null : key === 'missing' ? r.missing : r.total);
  const text = (r: TallyRow): string => (key === 'serial' ? r.serial : r.name);
  const order = new Intl.Collator(language(), { numeric: true });
  const sign = down ? -1 : 1;
  const byText = key === 'name' || key === 'serial';
  return [...rows].sort((a, b) => {
    if (byText) return sign * order.compare(text(a), text(b));
    const [x, y] = [number(a), number(b)];
    return x === null || y === null ? Number(x === null) - Number(y === null) : sign * (x - y);
  });
}
