// Who is signed in, what they may do, and what happens when the session ends.
import { signal } from '@preact/signals';
import { ApiError, call, get, post, setCsrf, setHooks } from '../api/client';
import type { Session, Status } from '../api/types';
import { loadLanguage } from '../model/i18n';
import { setZone } from '../model/time';
import { setServerTime } from './clock';
import { applyTheme, load, save, theme, type Theme } from './prefs';

export const session = signal<Session | null>(null);
export const status = signal<Status | null>(null);
/** 'start' until the first answers are in; 'down' when the server does not answer at all. */
export const phase = signal<'start' | 'ready' | 'down'>('start');
/** True while the overlay asks to sign in again. */
export const expired = signal(false);
/** Since when the server has not been reached, or null. */
export const lostSince = signal<number | null>(null);
/** Counts up when a page should fetch again: after a lost connection or a new sign-in. */
export const resync = signal(0);

export type Permission = 'device.write' | 'device.command' | 'line.write' | 'reading.write' | 'job.run' | 'group.write' | 'key.write' | 'user.manage' | 'token.manage' | 'audit.read' | 'data.manage' | 'backup.remove';
/** May the person do this? What they may not is left out of the page; the server decides in any case. */
export const may = (what: Permission): boolean => session.value?.permissions.includes(what) ?? false;

let waiting: ((ok: boolean) => void)[] = [];

const RESYNC_MS = 5000;
let synced = 0;
let due = false;

/** The server answers (again): pages fetch again, but not at once for each answer, for one that never comes may be asked beside one that does. */
export function reached(): void {
  if (lostSince.peek() === null) return;
  lostSince.value = null;
  if (due) return;
  due = true;
  setTimeout(() => { due = false; synced = Date.now(); resync.value++; }, Math.max(0, synced + RESYNC_MS - Date.now()));
}

setHooks({
  onSignedOut: () => {
    if (!session.peek()) return Promise.resolve(false);
    expired.value = true;
    return new Promise((resolve) => waiting.push(resolve));
  },
  onReachable: (reachable) => {
    if (reachable) reached();
    else if (lostSince.peek() === null) lostSince.value = Date.now();
  },
});

function begin(s: Session): void {
  setCsrf(s.csrf);
  setZone(s.tenant.time_zone);
  const chosen = s.user.theme as Theme;
  if (['system', 'light', 'dark'].includes(chosen) && chosen !== theme.peek()) applyTheme(chosen);
  save('signedIn', true);
  session.value = s;
  expired.value = false;
  const go = waiting;
  waiting = [];
  go.forEach((resolve) => resolve(true));
}

export async function start(): Promise<void> {
  const messages = loadLanguage('en');
  try {
    const st = await call<Status>('GET', '/status', { anonymous: true });
    status.value = st;
    setServerTime(st.time);
    // Asked only where someone has signed in before: a first visit needs no refused request.
    if (!st.first_run && load('signedIn', false)) {
      try { begin(await call<Session>('GET', '/session', { anonymous: true })); }
      catch (e) { if (!(e instanceof ApiError) || e.status !== 401) throw e; }
    }
    await messages;
    phase.value = 'ready';
  } catch {
    await messages;
    phase.value = 'down';
  }
}

export async function signIn(login: string, password: string): Promise<void> {
  const again = expired.peek();
  const s = await call<Session>('POST', '/session', { body: { login, password }, anonymous: true });
  // Another person in the overlay: what is on screen is not theirs.
  if (again && session.peek() && session.peek()!.user.id !== s.user.id) location.assign('/');
  begin(s);
  if (again) resync.value++;
}

export interface Setup { token: string; login: string; name: string; password: string; language: string; time_zone: string }
export async function setUp(input: Setup): Promise<void> {
  const s = await call<Session>('POST', '/setup', { body: input, anonymous: true });
  status.value = status.peek() ? { ...status.peek()!, first_run: false } : null;
  begin(s);
}

export async function signOut(): Promise<void> {
  try { await call<void>('DELETE', '/session', { anonymous: true }); } finally {
    waiting.forEach((resolve) => resolve(false));
    waiting = [];
    save('signedIn', false);
    session.value = null;
    setCsrf('');
    expired.value = false;
  }
}

export async function saveProfile(change: Record<string, string>): Promise<void> {
  const s = await call<Session>('PATCH', '/session', { body: change });
  if (s?.user) begin(s);
}

export { get, post };
