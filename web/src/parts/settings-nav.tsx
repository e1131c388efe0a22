// The second level of navigation in Settings; only what the role allows.
import { t, type Key } from '../model/i18n';
import { path } from '../live/router';
import { may, type Permission } from '../live/session';
import { fromCurrent } from './tabs';

const ITEMS: { href: string; key: Key; needs?: Permission }[] = [
  { href: '/settings/appearance', key: 'settings.appearance' },
  { href: '/settings/users', key: 'settings.users', needs: 'user.manage' },
  { href: '/settings/tokens', key: 'settings.tokens', needs: 'token.manage' },
  { href: '/settings/keys', key: 'settings.keys', needs: 'key.write' },
  { href: '/settings/data', key: 'settings.data', needs: 'data.manage' },
  { href: '/settings/forgotten', key: 'settings.forgotten', needs: 'data.manage' },
  { href: '/settings/audit', key: 'settings.audit', needs: 'audit.read' },
];

export function SettingsHead() {
  return (
    <>
      <div class="page-head"><h1>{t('nav.settings')}</h1></div>
      <nav class="tabs settings-tabs" ref={fromCurrent} aria-label={t('nav.settings')}>
        {ITEMS.filter((x) => !x.needs || may(x.needs)).map((x) => <a key={x.href} class="tab" href={x.href} aria-current={path.value === x.href || (path.value === '/settings' && x.href.endsWith('appearance')) ? 'page' : undefined}>{t(x.key)}</a>)}
      </nav>
    </>
  );
}
