// The second level of navigation in Settings; only what the role allows.
import { t, type Key } from '../model/i18n';
import { path } from '../live/router';
import { isAdmin } from '../live/session';

const ITEMS: { href: string; key: Key; admin: boolean }[] = [
  { href: '/settings/appearance', key: 'settings.appearance', admin: false },
  { href: '/settings/users', key: 'settings.users', admin: true },
  { href: '/settings/tokens', key: 'settings.tokens', admin: true },
  { href: '/settings/audit', key: 'settings.audit', admin: true },
];

export function SettingsHead() {
  return (
    <>
      <div class="page-head"><h1>{t('nav.settings')}</h1></div>
      <nav class="tabs settings-tabs" aria-label={t('nav.settings')}>
        {ITEMS.filter((x) => isAdmin.value || !x.admin).map((x) => <a key={x.href} class="tab" href={x.href} aria-current={path.value === x.href || (path.value === '/settings' && x.href.endsWith('appearance')) ? 'page' : undefined}>{t(x.key)}</a>)}
      </nav>
    </>
  );
}
