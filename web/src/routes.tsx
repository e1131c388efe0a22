// Which page a path shows, and who may see it. One row per page; the navigation reads it too.
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { t, withTexts, type Key } from './model/i18n';
import { path } from './live/router';
import { may, type Permission } from './live/session';
import { Lazy } from './parts/lazy';
import { Empty, NotAllowed } from './parts/states';

interface PageProps { id: number }
type Loader = () => Promise<{ default: ComponentType<PageProps> }>;
interface Route { pattern: RegExp; title: Key; load: Loader; needs?: Permission }

const ROUTES: Route[] = [
  { pattern: /^\/$/, title: 'nav.overview', load: withTexts(() => import('./pages/overview'), 'line') },
  { pattern: /^\/devices$/, title: 'nav.devices', load: () => import('./pages/devices') },
  { pattern: /^\/devices\/new$/, title: 'add.title', load: withTexts(() => import('./pages/device-new'), 'adding', 'line'), needs: 'device.write' },
  { pattern: /^\/devices\/(\d+)$/, title: 'nav.devices', load: () => import('./pages/device') },
  { pattern: /^\/chart$/, title: 'nav.chart', load: withTexts(() => import('./pages/chart'), 'chart') },
  { pattern: /^\/consumption$/, title: 'nav.consumption', load: withTexts(() => import('./pages/tally'), 'tally', 'consumption', 'chart') },
  { pattern: /^\/frames$/, title: 'nav.frames', load: withTexts(() => import('./pages/frames'), 'telegram') },
  { pattern: /^\/frames\/(\d+)$/, title: 'nav.inspector', load: withTexts(() => import('./pages/frame'), 'telegram') },
  { pattern: /^\/inspector$/, title: 'nav.inspector', load: withTexts(() => import('./pages/inspector'), 'telegram') },
  { pattern: /^\/lines$/, title: 'nav.lines', load: withTexts(() => import('./pages/lines'), 'line') },
  { pattern: /^\/lines\/(\d+)$/, title: 'nav.lines', load: withTexts(() => import('./pages/line'), 'line', 'adding') },
  { pattern: /^\/jobs$/, title: 'nav.jobs', load: () => import('./pages/jobs') },
  { pattern: /^\/settings\/?$/, title: 'nav.settings', load: withTexts(() => import('./pages/appearance'), 'gate') },
  { pattern: /^\/settings\/appearance$/, title: 'settings.appearance', load: withTexts(() => import('./pages/appearance'), 'gate') },
  { pattern: /^\/settings\/users$/, title: 'settings.users', load: withTexts(() => import('./pages/users'), 'people', 'gate'), needs: 'user.manage' },
  { pattern: /^\/settings\/tokens$/, title: 'settings.tokens', load: withTexts(() => import('./pages/tokens'), 'people'), needs: 'token.manage' },
  { pattern: /^\/settings\/keys$/, title: 'settings.keys', load: withTexts(() => import('./pages/keys'), 'keys', 'people'), needs: 'key.write' },
  { pattern: /^\/settings\/data$/, title: 'settings.data', load: withTexts(() => import('./pages/keeping'), 'keeping'), needs: 'data.manage' },
  { pattern: /^\/settings\/forgotten$/, title: 'settings.forgotten', load: withTexts(() => import('./pages/forgotten'), 'forgotten', 'keeping'), needs: 'data.manage' },
  { pattern: /^\/settings\/audit$/, title: 'settings.audit', load: withTexts(() => import('./pages/audit'), 'people'), needs: 'audit.read' },
];

export function setTitle(text: string): void { document.title = text ? `${text} \u00b7 Hypocaust` : 'Hypocaust'; }

export function Page() {
  const here = path.value;
  const route = ROUTES.find((r) => r.pattern.test(here));
  const id = Number(route?.pattern.exec(here)?.[1] ?? 0);
  useEffect(() => { setTitle(route ? t(route.title) : t('error.pageTitle')); }, [here]);
  if (!route) {
    return <Empty page title={t('error.pageTitle')} text={t('error.pageText', { path: here })}><a class="btn" href="/">{t('denied.back')}</a></Empty>;
  }
  if (route.needs && !may(route.needs)) return <NotAllowed page />;
  return <Lazy key={here} load={route.load} props={{ id }} />;
}
