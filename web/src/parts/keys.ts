// Keyboard: "g then letter" goes to pages, single letters act; letters can be switched off (WCAG 2.1.4).
import { signal } from '@preact/signals';
import { go } from '../live/router';
import { pref } from '../live/prefs';

const PAGES: Record<string, string> = {
  o: '/', t: '/devices', n: '/chart', i: '/frames', l: '/lines', j: '/jobs', ',': '/settings/appearance',
};

type Handler = (e: KeyboardEvent) => boolean;
const handlers: Handler[] = [];
/** A page's own keys; the newest is asked first. Returns true when it took the key. */
export function onKeys(h: Handler): () => void {
  handlers.unshift(h);
  return () => { handlers.splice(handlers.indexOf(h), 1); };
}

/** Does what a key does, for buttons and commands beside it. */
export function press(key: string): void {
  const e = new KeyboardEvent('keydown', { key });
  handlers.some((h) => h(e));
}

export const helpOpen = signal(false);
export const paletteOpen = signal(false);
export const openPalette = (): void => { paletteOpen.value = true; };
let prefix = '';
let prefixAt = 0;

const typing = (e: KeyboardEvent): boolean => {
  const el = e.target as HTMLElement;
  return el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !['checkbox', 'radio', 'button'].includes((el as HTMLInputElement).type);
};

function onKey(e: KeyboardEvent): void {
  if (e.defaultPrevented) return;
  if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); openPalette(); return; }
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
  if (typing(e)) return;
  if (e.key !== 'Escape' && !pref('letters', true).peek()) return;
  // By the time of the press: a page that was busy meanwhile does not tear two keys apart.
  const pair = prefix && e.timeStamp - prefixAt < 1500 ? prefix : '';
  prefix = '';
  if (pair === 'g' && PAGES[e.key]) { e.preventDefault(); go(PAGES[e.key]!); return; }
  for (const h of handlers) if (h(pair ? new KeyboardEvent('keydown', { key: `${pair} ${e.key}` }) : e)) { e.preventDefault(); return; }
  if (e.key === '/') { e.preventDefault(); openPalette(); }
  else if (e.key === '?') { e.preventDefault(); helpOpen.value = true; }
  else if (e.key === 'g' || e.key === 't') { prefix = e.key; prefixAt = e.timeStamp; }
}

export function startKeys(): () => void {
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
