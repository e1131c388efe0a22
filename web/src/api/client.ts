// The one door to the server: JSON in and out, CSRF token, problems as typed errors.
import type { Problem } from './types';

const BASE = '/api/v1';

/** Every failed call ends here: what the server said, or that it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, readonly detail: string,
    readonly field?: string, readonly retryAfter?: number, readonly offset?: number) {
    super(detail);
  }
  get unreachable(): boolean { return this.status === 0; }
  /** Is the same question likely to be answered a little later? */
  get passing(): boolean { return [0, 429, 502, 503, 504].includes(this.status); }
}

let csrf = '';
export function setCsrf(token: string): void { csrf = token; }

interface Hooks {
  /** Called when a session has ended; resolves true once the person has signed in again. */
  onSignedOut: () => Promise<boolean>;
  onReachable: (reachable: boolean) => void;
}
let hooks: Hooks = { onSignedOut: async () => false, onReachable: () => undefined };
export function setHooks(h: Hooks): void { hooks = h; }

export type Query = Record<string, string | number | boolean | null | undefined>;

export function url(path: string, query?: Query): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query ?? {})) if (v !== undefined && v !== null && v !== '') q.set(k, String(v));
  const text = q.toString();
  return BASE + path + (text ? '?' + text : '');
}

interface Options { query?: Query; body?: unknown; signal?: AbortSignal; anonymous?: boolean }

/** The server names the field first ("port: must be ..."); beside its field the name is noise. */
function sentence(p: Partial<Problem>): string {
  const text = p.detail ?? p.title ?? '';
  if (!p.field || !text.startsWith(`${p.field}: `)) return text;
  const rest = text.slice(p.field.length + 2);
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

async function problemOf(res: Response): Promise<ApiError> {
  let p: Partial<Problem> = {};
  try { p = await res.json() as Problem; } catch { /* a proxy's page, not ours */ }
  const retry = p.retry_after ?? (Number(res.headers.get('Retry-After')) || undefined);
  return new ApiError(res.status, p.code ?? 'HTTP_' + res.status, sentence(p), p.field, retry, p.offset);
}

async function send(method: string, path: string, o: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf;
  if (o.body !== undefined) headers['Content-Type'] = 'application/json';
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (o.body !== undefined) init.body = JSON.stringify(o.body);
  if (o.signal) init.signal = o.signal;
  try {
    const res = await fetch(url(path, o.query), init);
    hooks.onReachable(true);
    return res;
  } catch (e) {
    if (o.signal?.aborted) throw e;
    hooks.onReachable(false);
    throw new ApiError(0, 'UNREACHABLE', '');
  }
}

export async function call<T>(method: string, path: string, o: Options = {}): Promise<T> {
  let res = await send(method, path, o);
  if (res.status === 401 && !o.anonymous && await hooks.onSignedOut()) res = await send(method, path, o);
  if (!res.ok) throw await problemOf(res);
  if (res.status === 204) return undefined as T;
  try { return await res.json() as T; }
  catch (e) {
    if (o.signal?.aborted) throw e;
    // The answer broke off, or it is the page of a proxy: the server itself was not reached.
    throw new ApiError(0, 'UNREACHABLE', '');
  }
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  call<T>('GET', path, signal ? { query: query ?? {}, signal } : { query: query ?? {} });
export const post = <T>(path: string, body?: unknown): Promise<T> => call<T>('POST', path, { body: body ?? {} });
export const patch = <T>(path: string, body: unknown): Promise<T> => call<T>('PATCH', path, { body });
export const del = (path: string): Promise<void> => call<void>('DELETE', path);
