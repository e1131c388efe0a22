// One ticking clock for all ages on screen, corrected by the server's time.
import { signal } from '@preact/signals';
import { ageParts, parse } from '../model/time';
import { t, type Key } from '../model/i18n';

let skew = 0;
export const now = signal(Date.now());

export function setServerTime(iso: string): void {
  const ms = parse(iso);
  // Within two seconds the difference is only the way of the message.
  if (ms !== null) skew = Math.abs(ms - Date.now()) > 2000 ? ms - Date.now() : 0;
  now.value = Date.now() + skew;
}
export const serverNow = (): number => Date.now() + skew;

setInterval(() => { if (!document.hidden) now.value = serverNow(); }, 5000);
document.addEventListener('visibilitychange', () => { now.value = serverNow(); });

/** "12 min" since a time; reads the clock signal, so a component that calls it ticks. */
export function age(iso: string | number | null | undefined): string {
  const ms = parse(iso);
  if (ms === null) return '';
  const a = ageParts(now.value - ms);
  return t(`age.${a.unit}` as Key, { n: a.n });
}
/** "12 min ago", "just now". */
export function ago(iso: string | number | null | undefined): string {
  const ms = parse(iso);
  if (ms === null) return '';
  if (now.value - ms < 10_000) return t('age.now');
  return t('age.ago', { age: age(ms) });
}
