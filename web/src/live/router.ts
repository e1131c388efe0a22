// The address bar is the state: path and query as signals, links without page loads.
import { computed, signal } from '@preact/signals';
import { formatQuery, parseQuery, type State } from '../model/query';

export const path = signal(location.pathname);
export const query = signal<State>(parseQuery(location.search));
export const fragment = signal(location.hash);
export const kiosk = computed(() => 'kiosk' in query.value);

/** Asked before leaving a page with unsaved input; returns false to stay. */
let guard: (() => boolean) | null = null;
export function setGuard(g: (() => boolean) | null): void { guard = g; }

function sync(): void {
  path.value = location.pathname;
  query.value = parseQuery(location.search);
  fragment.value = location.hash;
}

export function go(to: string, replace = false): void {
  const target = new URL(to, location.origin);
  if (target.pathname !== location.pathname && guard && !guard()) return;
  if (kiosk.value && !target.searchParams.has('kiosk')) target.searchParams.set('kiosk', '1');
  const next = target.pathname + target.search + target.hash;
  if (next === location.pathname + location.search + location.hash) return;
  const samePage = target.pathname === location.pathname;
  history[replace ? 'replaceState' : 'pushState'](null, '', next);
  sync();
  if (!replace && !samePage) window.scrollTo(0, 0);
}

/** Changes parts of the query; empty values disappear. Replaces the entry while a person types. */
export function setQuery(change: Record<string, string | number | null | undefined>, replace = true): void {
  const state = { ...query.peek(), ...change };
  go(location.pathname + formatQuery(state), replace);
}

function onClick(e: MouseEvent): void {
  if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  const a = (e.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
  if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin) return;
  if (a.pathname.startsWith('/api/') || a.getAttribute('href')!.startsWith('#')) return;
  e.preventDefault();
  go(a.href);
}

export function startRouter(): void {
  addEventListener('popstate', sync);
  addEventListener('hashchange', sync);
  document.addEventListener('click', onClick);
}
