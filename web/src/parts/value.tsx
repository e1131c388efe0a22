// A value as people read it: exact digits, small grey unit, what is absent said in words.
import type { Value } from '../api/types';
import { t, word } from '../model/i18n';
import { decimalText } from '../model/numbers';
import { dateTime } from '../model/time';
import { unitText, withUnit } from '../model/units';

type Shown = Pick<Value, 'kind' | 'text' | 'quality' | 'unit'> & { quantity?: string };

/** A number to draw and to group, not a serial number that happens to be digits. */
export const isNumeric = (v: { kind: string; quantity?: string }): boolean => v.kind === 'decimal' && v.quantity !== 'identifier';

const ABSENT = new Set(['no_value', 'invalid', 'overflow', 'underflow', 'device_error']);
export const isAbsent = (v: Pick<Value, 'quality'>): boolean => ABSENT.has(v.quality);

/** The payload in the reader's notation, without its unit. */
export function valueText(v: Shown): string {
  if (isAbsent(v)) return word('quality', v.quality);
  if (isNumeric(v)) return decimalText(v.text);
  if (v.kind === 'civil') return v.text.replace('T', ' ');
  return v.kind === 'flags' && /^0x0+$/.test(v.text) ? t('value.noFlags') : v.text;
}
export const valueWithUnit = (v: Shown): string => (isAbsent(v) ? valueText(v) : withUnit(valueText(v), v.kind === 'decimal' ? v.unit : ''));

export function ValueText({ v }: { v: Shown }) {
  if (isAbsent(v)) return <span class="old">{valueText(v)}</span>;
  const unit = v.kind === 'decimal' ? unitText(v.unit) : '';
  return <>{valueText(v)}{unit && <span class="unit">{unit}</span>}</>;
}

const FUNCTION_SUFFIX: Record<string, string> = { maximum: 'max', minimum: 'min', error: 'err' };

/** "Energy", "Energy, storage 1, tariff 2", with the device's own label when it has one. */
export function pointTitle(p: { name: string; label: string; function?: string; storage?: number; tariff?: number; subunit?: number; key?: string }): string {
  const parts = [p.label ? p.label.charAt(0).toUpperCase() + p.label.slice(1) : word('name', p.name)];
  const f = FUNCTION_SUFFIX[p.function ?? ''];
  if (f) parts.push(word('function', p.function));
  if (p.storage) parts.push(`${word('part', 'storage')} ${p.storage}`);
  if (p.tariff) parts.push(`${word('part', 'tariff')} ${p.tariff}`);
  if (p.subunit && !p.label) parts.push(`${word('part', 'subunit')} ${p.subunit}`);
  return parts.join(', ');
}

/** Parts of a point key: "flow.max.s1" -> name flow, function maximum, storage 1. */
export function parseKey(key: string): { name: string; function: string; storage: number; tariff: number; subunit: number } {
  const [name = '', ...rest] = key.split('.');
  const out = { name, function: 'instantaneous', storage: 0, tariff: 0, subunit: 0 };
  for (const part of rest) {
    if (part === 'max') out.function = 'maximum';
    else if (part === 'min') out.function = 'minimum';
    else if (part === 'err') out.function = 'error';
    else if (/^s\d+$/.test(part)) out.storage = Number(part.slice(1));
    else if (/^t\d+$/.test(part)) out.tariff = Number(part.slice(1));
    else if (/^u\d+$/.test(part)) out.subunit = Number(part.slice(1));
  }
  return out;
}
export const keyTitle = (key: string, label = ''): string => pointTitle({ ...parseKey(key), label });

export function Time({ iso, seconds = false }: { iso: string | number | null | undefined; seconds?: boolean }) {
  const text = dateTime(iso, seconds);
  return text ? <time class="nowrap">{text}</time> : <span class="grey">–</span>;
}
