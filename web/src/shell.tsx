// The frame around every page: navigation, search, connection, person; banners when something is wrong.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { get } from './api/client';
import type { Overview } from './api/types';
import { t, type Key } from './model/i18n';
import { clock } from './model/time';
import { ago, now, serverNow } from './live/clock';
import { kiosk, path } from './live/router';
import { phone, pref, setPref, theme, type Theme } from './live/prefs';
import { lostSince, resync, session, signOut } from './live/session';
import { connection, lastEvent, subscribe } from './live/stream';
import { applyUpdate, updateReady } from './live/update';
import { Brand } from './parts/brand';
import { Icon } from './parts/icon';
import { Lazy } from './parts/lazy';
import { Menu } from './parts/menu';
import { helpOpen, openPalette, paletteOpen, startKeys } from './parts/keys';
import { Status } from './parts/status';
import { chooseTheme } from './parts/theme';
import overviewIcon from './icons/gauge.svg';
import devicesIcon from './icons/layers.svg';
import chartIcon from './icons/chart-line.svg';
import framesIcon from './icons/binary.svg';
import tallyIcon from './icons/chart-column.svg';
import linesIcon from './icons/cable.svg';
import jobsIcon from './icons/activity.svg';
import settingsIcon from './icons/settings.svg';
import searchIcon from './icons/search.svg';
import menuIcon from './icons/menu.svg';
import slimIcon from './icons/panel-left-close.svg';
import wideIcon from './icons/panel-left-open.svg';
import sunIcon from './icons/sun.svg';
import moonIcon from './icons/moon.svg';
import screenIcon from './icons/monitor.svg';
import userIcon from './icons/user.svg';
import outIcon from './icons/log-out.svg';
import keysIcon from './icons/keyboard.svg';
import offIcon from './icons/wifi-off.svg';

/** On a tablet the names of the pages would take a quarter of the width: a person can have them back. */
const medium = matchMedia('(max-width: 1000px)').matches;

interface NavItem { href: string; key: Key; icon: string; also?: RegExp }
const loadPalette = () => import('./parts/palette');
const loadHelp = () => import('./parts/key-help');

export const NAV: NavItem[] = [
  { href: '/', key: 'nav.overview', icon: overviewIcon },
  { href: '/devices', key: 'nav.devices', icon: devicesIcon, also: /^\/devices\// },
  { href: '/chart', key: 'nav.chart', icon: chartIcon },
  { href: '/frames', key: 'nav.frames', icon: framesIcon, also: /^\/(frames\/|inspector)/ },
  { href: '/consumption', key: 'nav.consumption', icon: tallyIcon },
  { href: '/lines', key: 'nav.lines', icon: linesIcon, also: /^\/lines\// },
  { href: '/jobs', key: 'nav.jobs', icon: jobsIcon },
  { href: '/settings/appearance', key: 'nav.settings', icon: settingsIcon, also: /^\/settings/ },
];
const isHere = (n: NavItem): boolean => path.value === n.href || (n.also?.test(path.value) ?? false);

export const problems = signal<{ failing: number; lines: number } | null>(null);

function useProblems(): void {
  const bump = resync.value;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = (): void => {
      get<Overview>('/overview').then((o) => { problems.value = { failing: o.devices.failing, lines: o.lines.failed }; }, () => undefined);
    };
    load();
    const stop = subscribe(['devices', 'lines'], [], (e) => {
      // States change in bursts; one look every ten seconds is enough for a count.
      if ((e.type === 'device' || e.type === 'line' || e.type === 'poll') && !timer) timer = setTimeout(() => { timer = undefined; load(); }, 10_000);
    });
    return () => { stop(); clearTimeout(timer); };
  }, [bump]);
}

function Problems() {
  const p = problems.value;
  if (!p || p.failing + p.lines === 0) return null;
  const href = p.lines ? '/lines' : '/devices?state=failing';
  return (
    <a class="top-item" href={href} title={t('top.problemsTitle')}>
      <Status mark={p.lines ? 'critical' : 'high'} word={t('top.problems', { n: p.failing + p.lines })} quiet={phone.value} />
      {phone.value && <b aria-hidden="true">{p.failing + p.lines}</b>}
    </a>
  );
}

function Live() {
  const c = connection.value;
  const words: Record<string, Key> = { live: 'top.live', poll: 'top.poll', connecting: 'top.connecting', off: 'top.connecting' };
  void now.value;
  return (
    <span class="top-item top-live top-hide" title={lastEvent.value ? t('top.lastEvent', { ago: ago(lastEvent.value) }) : undefined}>
      <Status mark={lostSince.value ? 'nodata' : c === 'live' ? 'normal' : c === 'poll' ? 'low' : 'busy'} word={lostSince.value ? t('top.lost') : t(words[c]!)} />
    </span>
  );
}

const THEMES: { value: Theme; key: Key; icon: string }[] = [
  { value: 'system', key: 'theme.system', icon: screenIcon },
  { value: 'light', key: 'theme.light', icon: sunIcon },
  { value: 'dark', key: 'theme.dark', icon: moonIcon },
];

function UserMenu() {
  const user = session.value!.user;
  return (
    <Menu align="right" class="btn-icon" title={t('top.user', { name: user.name || user.login })} label={<Icon svg={userIcon} size={18} />}>
      {(close) => (
        <>
          <div class="menu-title">{user.name || user.login} · {t(user.role === 'admin' ? 'role.admin' : 'role.reader')}</div>
          <hr class="menu-sep" />
          <div class="menu-title">{t('theme.title')}</div>
          {THEMES.map((x) => (
            <button key={x.value} type="button" class="menu-item" aria-pressed={theme.value === x.value} onClick={() => { void chooseTheme(x.value); close(); }}>
              <Icon svg={x.icon} />{t(x.key)}{theme.value === x.value && <span class="count">✓</span>}
            </button>
          ))}
          <hr class="menu-sep" />
          <a class="menu-item" href="/settings/appearance" onClick={() => close()}><Icon svg={settingsIcon} />{t('settings.appearance')}</a>
          <button type="button" class="menu-item" onClick={() => { close(); helpOpen.value = true; }}><Icon svg={keysIcon} />{t('keys.title')}</button>
          <button type="button" class="menu-item" onClick={() => void signOut()}><Icon svg={outIcon} />{t('action.signOut')}</button>
        </>
      )}
    </Menu>
  );
}

function LostBanner() {
  const since = lostSince.value;
  if (since === null) return null;
  return (
    <div class="banner" role="alert">
      <Icon svg={offIcon} size={18} />{t('top.lostBanner', { time: clock(since, true) })}
      <button type="button" class="btn" onClick={() => void get('/status').catch(() => undefined)}>{t('action.retry')}</button>
    </div>
  );
}

function UpdateBanner() {
  if (!updateReady.value) return null;
  return <div class="banner banner-info" role="status">{t('update.text')}<button type="button" class="btn" onClick={applyUpdate}>{t('update.action')}</button></div>;
}

/** While the server is away, ask now and then whether it is back. */
function useReconnect(): void {
  const lost = lostSince.value !== null;
  useEffect(() => {
    if (!lost) return undefined;
    const timer = setInterval(() => void get('/status').catch(() => undefined), 3000);
    return () => clearInterval(timer);
  }, [lost]);
}

function Nav({ slim }: { slim: boolean }) {
  return (
    <nav class="nav" aria-label={t('nav.label')}>
      <a class="brand" href="/"><Brand /><span>Hypocaust</span></a>
      <div class="nav-list">
        {NAV.map((n) => (
          <a key={n.href} class="nav-item" href={n.href} title={slim ? t(n.key) : undefined} aria-current={isHere(n) ? 'page' : undefined}>
            <Icon svg={n.icon} size={18} /><span>{t(n.key)}</span>
          </a>
        ))}
      </div>
      <div class="nav-foot">
        <button type="button" class="nav-item" title={slim ? t('nav.expand') : undefined} onClick={() => setPref('slim', !slim)}>
          <Icon svg={slim ? wideIcon : slimIcon} size={18} /><span>{t(slim ? 'nav.expand' : 'nav.collapse')}</span>
        </button>
      </div>
    </nav>
  );
}

function Bottom() {
  const first = NAV.slice(0, 4);
  const rest = NAV.slice(4);
  return (
    <nav class="bottom" aria-label={t('nav.label')}>
      {first.map((n) => (
        <a key={n.href} class="bottom-item" href={n.href} aria-current={isHere(n) ? 'page' : undefined}><Icon svg={n.icon} size={20} />{t(n.key)}</a>
      ))}
      <Menu class={`bottom-item${rest.some(isHere) ? ' is-here' : ''}`} label={<><Icon svg={menuIcon} size={20} />{t('nav.more')}</>} align="right">
        {(close) => rest.map((n) => (
          <a key={n.href} class="menu-item" href={n.href} aria-current={isHere(n) ? 'page' : undefined} onClick={() => close()}><Icon svg={n.icon} />{t(n.key)}</a>
        ))}
      </Menu>
    </nav>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const slim = pref('slim', medium).value;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useProblems();
  useReconnect();
  // What is on screen takes keys: not only once the picture has been drawn.
  useLayoutEffect(startKeys, []);
  useEffect(() => {
    document.documentElement.classList.toggle('kiosk', kiosk.value);
  }, [kiosk.value]);
  useLayoutEffect(() => {
    // A new page: the focus goes to its start, as after a page load.
    if (first.current) { first.current = false; return; }
    main.current?.focus({ preventScroll: true });
  }, [path.value]);
  return (
    <div class={`shell${slim ? ' shell-slim' : ''}${lostSince.value ? ' is-lost' : ''}`}>
      <a class="btn skip" href="#main" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>{t('nav.skip')}</a>
      {!kiosk.value && <Nav slim={slim} />}
      <header class="top">
        <button type="button" class="top-search" onClick={() => openPalette()}>
          <Icon svg={searchIcon} /><span>{t('search.short')}</span><kbd aria-hidden="true">Ctrl K</kbd>
        </button>
        <span class="top-space" />
        <span role="status"><Problems /></span>
        <Live />
        {kiosk.value ? <KioskClock /> : <UserMenu />}
      </header>
      <div>
        <LostBanner />
        <UpdateBanner />
        <main id="main" class="main" ref={main} tabIndex={-1}>{children}</main>
      </div>
      {!kiosk.value && phone.value && <Bottom />}
      {paletteOpen.value && <Lazy load={loadPalette} quiet />}
      {helpOpen.value && <Lazy load={loadHelp} quiet />}
    </div>
  );
}

function KioskClock() {
  void now.value;
  return <time class="kiosk-clock">{clock(serverNow())}</time>;
}
