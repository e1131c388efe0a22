// Numbers for people. Registers come as exact decimal text and are never rounded on their way here.
import { language } from './i18n';

interface Marks { decimal: string; group: string }
const marksCache = new Map<string, Marks>();

function marks(locale: string): Marks {
  let m = marksCache.get(locale);
  if (!m) {
    const parts = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(-12345.6);
    const part = (type: string) => parts.find((p) => p.type === type)?.value;
    m = { decimal: part('decimal') ?? '.', group: part('group') ?? '' };
    if (m.group === ' ' || m.group === '\u00a0') m.group = '\u202f';
    marksCache.set(locale, m);
  }
  return m;
}

/** Exact decimal text ("-12345.60") with the locale's marks; other text unchanged. */
export function decimalText(text: string, locale = language()): string {
  const m = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!m) return text;
  const { decimal, group } = marks(locale);
  // Four digits stay together: years and small counters read better without a mark.
  const digits = m[2]!.length > 4 ? m[2]!.replace(/\B(?=(\d{3})+$)/g, group) : m[2]!;
  return (m[1] ? '\u2212' : '') + digits + (m[3] ? decimal + m[3] : '');
}

/** A computed number (mean, sum) with at most `decimals` places. */
export function number(value: number, decimals = 0, locale = language()): string {
  if (!Number.isFinite(value)) return '';
  return decimalText(value.toFixed(decimals).replace(/^-(0(?:\.0+)?)$/, '$1'), locale);
}

/** Places that show a chart value without noise: three significant digits, at most three places. */
export function places(span: number): number {
  const a = Math.abs(span);
  if (a === 0 || !Number.isFinite(a)) return 0;
  return Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(a))));
}

export function bytes(n: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  let v = n;
  while (v >= 1000 && i < names.length - 1) { v /= 1000; i++; }
  return `${number(v, i === 0 || v >= 100 ? 0 : 1)} ${names[i]}`;
}

/** What a person typed as exact text ("1234.50"): comma or point as the decimal mark, spaces ignored; null when it is no number. */
export function plainDecimal(input: string): string | null {
  const text = input.replace(/[\s\u00a0\u202f']/g, '').replace('\u2212', '-');
  const marksFound = text.replace(/[^.,]/g, '');
  let plain = text;
  if (marksFound.length > 1) {
    // Both marks: the last one is the decimal mark. One mark repeated: it groups.
    const last = Math.max(text.lastIndexOf('.'), text.lastIndexOf(','));
    const both = text.includes('.') && text.includes(',');
    plain = both ? text.slice(0, last).replace(/[.,]/g, '') + '.' + text.slice(last + 1) : text.replace(/[.,]/g, '');
  } else {
    plain = text.replace(',', '.');
  }
  return /^-?\d+(\.\d+)?$|^-?\.\d+$/.test(plain) ? plain.replace(/^(-?)\./, '$10.') : null;
}

/** The same as a number, which does not hold every digit of a long register. */
export function parseDecimal(input: string): number | null {
  const plain = plainDecimal(input);
  return plain === null ? null : Number(plain);
}
