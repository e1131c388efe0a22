// Small choices of this browser (columns, density, keyboard letters). Never secrets.
import { signal, type Signal } from '@preact/signals';

const PREFIX = 'hyp.';

export function load<T>(name: string, fallback: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? fallback : JSON.parse(text) as T;
  } catch { return fallback; }
}
export function save(name: string, value: unknown): void {
  try { localStorage.setItem(PREFIX + name, JSON.stringify(value)); } catch { /* private window: keep for this page only */ }
}

const signals = new Map<string, Signal<unknown>>();
/** A remembered signal: the same name gives the same signal, changes go to storage and other windows. */
export function pref<T>(name: string, fallback: T): Signal<T> {
  let s = signals.get(name) as Signal<T> | undefined;
  if (!s) {
    s = signal(load(name, fallback));
    signals.set(name, s as Signal<unknown>);
  }
  return s;
}
export function setPref<T>(name: string, value: T): void {
  pref(name, value).value = value;
  save(name, value);
}
addEventListener('storage', (e) => {
  const name = e.key?.startsWith(PREFIX) ? e.key.slice(PREFIX.length) : '';
  const s = signals.get(name);
  if (s && e.newValue !== null) { try { s.value = JSON.parse(e.newValue); } catch { /* not ours */ } }
});

export type Theme = 'system' | 'light' | 'dark';
export const theme = pref<Theme>('theme', 'system');
/** Counts up whenever colours change, so that canvases draw again. */
export const colours = signal(0);

export function applyTheme(value: Theme): void {
  setPref('theme', value);
  if (value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = value;
  colours.value++;
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { colours.value++; });
matchMedia('(forced-colors: active)').addEventListener('change', () => { colours.value++; });

/** How much larger than usual a person wants text: 2 when the browser's font size is 32 px. */
export const textScale = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

export type Density = 'normal' | 'compact';
export const density = pref<Density>('density', 'normal');

// 700 px at the usual font size; large text on a wide screen needs the narrow layout as well.
const NARROW = matchMedia('(max-width: 43.75em)');
export const phone = signal(NARROW.matches);
NARROW.addEventListener('change', (e) => { phone.value = e.matches; });
