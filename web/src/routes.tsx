// Which page a path shows, and who may see it. One row per page; the navigation reads it too.
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { t, type Key } from './model/i18n';
import { path } from './live/router';
import { may, type Permission } from './live/session';
import { Lazy } from './parts/lazy';
import { Empty, NotAllowed } from './parts/states';

interface PageProps { id: number }
type Loader = () => Promise<{ default: ComponentType<PageProps> }>;
interface Route { pattern: RegExp; title: Key; load: Loader; needs?: Permission }

const ROUTES: Route[] = [
  { pattern: /^\/$/, title: 'nav.overview', load: () => import('./pages/overview') },
  { pattern: /^\/devices$/, title: 'nav.devices', load: () => import('./pages/devices') },
  { pattern: /^\/devices\/new$/, title: 'add.title', load: () => import('./pages/device-new'), needs: 'device.write' },
  { pattern: /^\/devices\/(\d+)$/, title: 'nav.devices', load: () => import('./pages/device') },
  { pattern: /^\/chart$/, title: 'nav.chart', load: () => import('./pages/chart') },
  { pattern: /^\/frames$/, title: 'nav.frames', load: () => import('./pages/frames') },
  { pattern: /^\/frames\/(\d+)$/, title: 'nav.inspector', load: () => import('./pages/frame') },
  { pattern: /^\/inspector$/, title: 'nav.inspector', load: () => import('./pages/inspector') },
  { pattern: /^\/lines$/, title: 'nav.lines', load: () => import('./pages/lines') },
  { pattern: /^\/lines\/(\d+)$/, title: 'nav.lines', load: () => import('./pages/line') },
  { pattern: /^\/jobs$/, title: 'nav.jobs', load: () => import('./pages/jobs') },
  { pattern: /^\/settings\/?$/, title: 'nav.settings', load: () => import('./pages/appearance') },
  { pattern: /^\/settings\/appearance$/, title: 'settings.appearance', load: () => import('./pages/appearance') },
  { pattern: /^\/settings\/users$/, title: 'settings.users', load: () => import('./pages/users'), needs: 'user.manage' },
  { pattern: /^\/settings\/tokens$/, title: 'settings.tokens', load: () => import('./pages/tokens'), needs: 'token.manage' },
  { pattern: /^\/settings\/audit$/, title: 'settings.audit', load: () => import('./pages/audit'), needs: 'audit.read' },
];

export function setTitle(text: string): void { document.title = text ? `${text} \u00b7 Hypocaust` : 'Hypocaust'; }

export function Page() {
  const here = path.value;
  const route = ROUTES.find((r) => r.pattern.test(here));
  const id = Number(route?.pattern.exec(here)?.[1] ?? 0);
  useEffect(() => { setTitle(route ? t(route.title) : t('error.pageTitle')); }, [here]);
  if (!route) {
    return <Empty title={t('error.pageTitle')} text={t('error.pageText', { path: here })}><a class="btn" href="/">{t('denied.back')}</a></Empty>;
  }
  if (route.needs && !may(route.needs)) return <NotAllowed />;
  return <Lazy key={here} load={route.load} props={{ id }} />;
}
