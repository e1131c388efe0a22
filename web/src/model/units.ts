// Units as they are printed; the API's texts are plain ASCII.
import { number } from './numbers';

const PRINTED: Record<string, string> = {
  m3: 'm³', 'm3/h': 'm³/h', 'm3/min': 'm³/min', 'm3/s': 'm³/s', degC: '°C', degF: '°F', 'm3*degC': 'm³·°C',
  '%RH': '% RH', deg: '°', hca: '', count: '', month: 'months', y: 'years', d: 'days',
};

export function unitText(unit: string): string {
  return PRINTED[unit] ?? unit;
}

/** Value and unit in one text, for copies, titles and CSV headers. */
export function withUnit(text: string, unit: string): string {
  const u = unitText(unit);
  return u ? `${text}\u00a0${u}` : text;
}

/** Signal strength of a telegram; nothing where the receiver does not tell it. */
export const signalText = (dbm: number | null | undefined): string => (dbm ? withUnit(number(dbm), 'dBm') : '');
