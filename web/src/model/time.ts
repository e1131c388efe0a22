// Times in the site's zone, never the browser's. Days of 23 and 25 hours come out right because
// every step goes through civil dates of that zone.
import { language } from './i18n';

export interface Civil { y: number; mo: number; d: number; h: number; mi: number; s: number }

let zone = 'UTC';
const formats = new Map<string, Intl.DateTimeFormat>();

export function setZone(name: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    zone = name;
  } catch { zone = 'UTC'; }
}
export function siteZone(): string { return zone; }

function formatter(key: string, locale: string, o: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${key}|${locale}|${zone}`;
  let f = formats.get(id);
  if (!f) { f = new Intl.DateTimeFormat(locale, { timeZone: zone, ...o }); formats.set(id, f); }
  return f;
}

export function civil(ms: number): Civil {
  const f = formatter('civil', 'en-US', {
    calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric',
    hour: 'numeric', minute: 'numeric', second: 'numeric',
  });
  const out: Record<string, number> = {};
  for (const p of f.formatToParts(ms)) if (p.type !== 'literal') out[p.type] = Number(p.value);
  return { y: out['year']!, mo: out['month']!, d: out['day']!, h: out['hour']!, mi: out['minute']!, s: out['second']! };
}

function offsetAt(ms: number): number {
  const c = civil(ms);
  return Date.UTC(c.y, c.mo - 1, c.d, c.h, c.mi, c.s) - Math.floor(ms / 1000) * 1000;
}

/** The instant of a civil time in the zone; a time skipped by a clock change moves forward. */
export function instant(c: Partial<Civil> & { y: number }): number {
  const wall = Date.UTC(c.y, (c.mo ?? 1) - 1, c.d ?? 1, c.h ?? 0, c.mi ?? 0, c.s ?? 0);
  const first = wall - offsetAt(wall);
  const second = wall - offsetAt(first);
  return offsetAt(second) === wall - second ? second : Math.max(first, second);
}

export type Unit = 'hour' | 'day' | 'week' | 'month' | 'year';

export function startOf(unit: Unit, ms: number): number {
  const c = civil(ms);
  if (unit === 'hour') return ms - ((ms + offsetAt(ms)) % 3_600_000 + 3_600_000) % 3_600_000;
  if (unit === 'year') return instant({ y: c.y });
  if (unit === 'month') return instant({ y: c.y, mo: c.mo });
  if (unit === 'day') return instant({ y: c.y, mo: c.mo, d: c.d });
  const weekday = (new Date(Date.UTC(c.y, c.mo - 1, c.d)).getUTCDay() + 6) % 7;
  return instant({ y: c.y, mo: c.mo, d: c.d - weekday });
}

export function add(unit: Unit, ms: number, n: number): number {
  if (unit === 'hour') return ms + n * 3_600_000;
  const c = civil(ms);
  const rest = ms - instant(c);
  const days = unit === 'week' ? 7 * n : unit === 'day' ? n : 0;
  const months = unit === 'year' ? 12 * n : unit === 'month' ? n : 0;
  if (!months) return instant({ ...c, d: c.d + days }) + rest;
  const first = new Date(Date.UTC(c.y, c.mo - 1 + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return instant({ ...c, y: first.getUTCFullYear(), mo: first.getUTCMonth() + 1, d: Math.min(c.d, last) }) + rest;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** ms of an API time, or null. */
export function parse(iso: string | number | null | undefined): number | null {
  if (iso === null || iso === undefined || iso === '') return null;
  const ms = typeof iso === 'number' ? iso : Date.parse(iso);
  return Number.isNaN(ms) ? null : ms;
}

export function date(ms: number): string {
  const c = civil(ms);
  if (language() === 'en') return `${c.y}-${two(c.mo)}-${two(c.d)}`;
  return formatter('date', language(), { year: 'numeric', month: '2-digit', day: '2-digit' }).format(ms);
}
/** The month that begins then; one that begins in the middle of it, at a meter's own settlement, is told by its day. */
export function month(ms: number): string {
  const c = civil(ms);
  if (c.d > 1) return date(ms);
  if (language() === 'en') return `${c.y}-${two(c.mo)}`;
  return formatter('month', language(), { year: 'numeric', month: '2-digit' }).format(ms);
}
export function clock(ms: number, seconds = false): string {
  const c = civil(ms);
  return `${two(c.h)}:${two(c.mi)}${seconds ? ':' + two(c.s) : ''}`;
}
export function dateTime(iso: string | number | null | undefined, seconds = false): string {
  const ms = parse(iso);
  return ms === null ? '' : `${date(ms)} ${clock(ms, seconds)}`;
}

export type AgeUnit = 's' | 'min' | 'h' | 'd' | 'mo' | 'y';
/** An age in its largest whole unit: 90 s is 1 min. */
export function ageParts(ms: number): { n: number; unit: AgeUnit } {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return { n: s, unit: 's' };
  if (s < 3600) return { n: Math.floor(s / 60), unit: 'min' };
  if (s < 2 * 86400) return { n: Math.floor(s / 3600), unit: 'h' };
  if (s < 60 * 86400) return { n: Math.floor(s / 86400), unit: 'd' };
  if (s < 730 * 86400) return { n: Math.floor(s / (30.44 * 86400)), unit: 'mo' };
  return { n: Math.floor(s / (365.25 * 86400)), unit: 'y' };
}

/** "2026-01-31T14:05" of <input type=datetime-local>, in the site's zone, and back. */
export function toInput(ms: number): string {
  const c = civil(ms);
  return `${c.y}-${two(c.mo)}-${two(c.d)}T${two(c.h)}:${two(c.mi)}`;
}
export function fromInput(text: string): number | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(text);
  return m ? instant({ y: +m[1]!, mo: +m[2]!, d: +m[3]!, h: +m[4]!, mi: +m[5]! }) : null;
}
