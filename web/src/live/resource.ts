// Data of a page: what was loaded stays on screen while it is fetched again and when that fails.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useSignal, type Signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { resync } from './session';

export interface Resource<T> {
  data: T | null; error: ApiError | null; loading: boolean;
  reload: () => void; set: (value: T) => void;
  /** For timers: asks again unless a question is on its way. */
  poll: () => void;
}

const asError = (e: unknown): ApiError =>
  e instanceof ApiError ? e : new ApiError(-1, 'CLIENT', e instanceof Error ? e.message : String(e));

const AGAIN_SECONDS = 5; // when the server does not say how long to wait

/** Fetches when `key` changes, after a reconnect, on reload(), and again by itself after a failure
    that passes. A null key fetches nothing. */
export function useResource<T>(key: string | null, fetcher: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const data = useSignal<T | null>(null);
  const error = useSignal<ApiError | null>(null);
  const loading = useSignal(key !== null);
  const latest = useRef(fetcher);
  latest.current = fetcher;
  const run = useRef<() => void>(() => undefined);
  const waiting = useRef(0);
  const keyOfData = useRef<string | null>(null);
  const bump = resync.value;

  // Before the picture: data of another object must not stand under this one's name, not for one frame.
  useLayoutEffect(() => {
    if (key === null) { loading.value = false; return undefined; }
    const aborts = new Set<AbortController>();
    let newest = 0;
    let shown = 0;
    let alive = true;
    let again: ReturnType<typeof setTimeout> | undefined;
    const load = (): void => {
      clearTimeout(again);
      const mine = ++newest;
      const abort = new AbortController();
      aborts.add(abort);
      waiting.current = aborts.size;
      loading.value = true;
      latest.current(abort.signal).then(
        (value) => {
          // Each answer that is newer than the shown one: questions that come faster than answers must not starve the page.
          if (!alive || mine < shown) return;
          shown = mine;
          keyOfData.current = key;
          data.value = value; error.value = null;
          if (mine === newest) loading.value = false;
        },
        (e: unknown) => {
          if (!alive || mine !== newest || abort.signal.aborted) return;
          const failure = asError(e);
          error.value = failure; loading.value = false;
          if (failure.passing) again = setTimeout(load, 1000 * (failure.retryAfter ?? AGAIN_SECONDS));
        },
      ).finally(() => { aborts.delete(abort); if (alive) waiting.current = aborts.size; });
    };
    if (keyOfData.current !== null && keyOfData.current !== key) { data.value = null; error.value = null; }
    run.current = load;
    load();
    return () => { alive = false; clearTimeout(again); aborts.forEach((a) => a.abort()); };
  }, [key, bump]);

  return {
    data: data.value, error: error.value, loading: loading.value,
    reload: () => run.current(), poll: () => { if (waiting.current === 0) run.current(); }, set: (value) => { data.value = value; },
  };
}

/** An action of a button: busy while it runs, its error beside the button. */
export function useAction(): { busy: boolean; error: ApiError | null; run: (f: () => Promise<void>) => Promise<boolean>; clear: () => void } {
  const busy = useSignal(false);
  const error: Signal<ApiError | null> = useSignal<ApiError | null>(null);
  return {
    busy: busy.value, error: error.value,
    clear: () => { error.value = null; },
    run: async (f) => {
      if (busy.peek()) return false;
      busy.value = true;
      error.value = null;
      try { await f(); return true; }
      catch (e) { error.value = asError(e); return false; }
      finally { busy.value = false; }
    },
  };
}
