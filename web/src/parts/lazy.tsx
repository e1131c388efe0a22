// A page that is fetched when first shown.
import type { ComponentType } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import { t } from '../model/i18n';
import { lostSince, resync } from '../live/session';
import { Empty, Skeleton } from './states';

type Loader<P> = () => Promise<{ default: ComponentType<P> }>;
const loaded = new Map<unknown, ComponentType<never>>();

export function Lazy<P extends object>({ load, props, quiet = false }: { load: Loader<P>; props?: P; quiet?: boolean }) {
  const [state, set] = useState(0);
  const bump = resync.value;
  const C = loaded.get(load) as ComponentType<P> | undefined;
  useLayoutEffect(() => {
    if (C) return undefined;
    let alive = true;
    load().then((m) => { loaded.set(load, m.default as ComponentType<never>); if (alive) set((n) => n + 1); },
      // Whether the server is there at all is not told: ask it.
      () => { if (alive) { set(-1); void get('/status').catch(() => undefined); } });
    return () => { alive = false; };
  }, [load, state < 0 ? bump : 0]);
  if (C) return <C {...(props ?? {} as P)} />;
  if (state < 0) {
    return <Empty title={t('error.chunkTitle')} text={t(lostSince.value === null ? 'error.chunkText' : 'error.unreachable')}><button type="button" class="btn" onClick={() => location.reload()}>{t('action.reload')}</button></Empty>;
  }
  return quiet ? null : <Skeleton />;
}
