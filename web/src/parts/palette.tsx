// Search and commands in one box: pages, actions, and devices found by the server.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Device, DeviceList } from '../api/types';
import { t, word, type Key } from '../model/i18n';
import { go, path } from '../live/router';
import { may, type Permission } from '../live/session';
import { keepFocus } from './focus';
import { Icon } from './icon';
import { helpOpen, paletteOpen, press } from './keys';
import searchIcon from '../icons/search.svg';
import keysIcon from '../icons/keyboard.svg';
import pageIcon from '../icons/chevron-right.svg';
import deviceIcon from '../icons/layers.svg';

interface Entry { key: string; text: string; note: string; icon: string; run: () => void }
const PAGES: { href: string; key: Key; needs?: Permission }[] = [
  { href: '/', key: 'nav.overview' }, { href: '/devices', key: 'nav.devices' }, { href: '/chart', key: 'nav.chart' },
  { href: '/consumption', key: 'nav.consumption' }, { href: '/frames', key: 'nav.frames' }, { href: '/inspector', key: 'inspector.paste' }, { href: '/lines', key: 'nav.lines' },
  { href: '/jobs', key: 'nav.jobs' }, { href: '/devices?state=failing', key: 'cmd.failing' }, { href: '/devices?state=stale', key: 'cmd.stale' },
  { href: '/devices/new', key: 'add.title', needs: 'device.write' }, { href: '/lines?add=1', key: 'line.addTitle', needs: 'line.write' },
  { href: '/settings/appearance', key: 'settings.appearance' }, { href: '/settings/users', key: 'settings.users', needs: 'user.manage' },
  { href: '/settings/tokens', key: 'settings.tokens', needs: 'token.manage' }, { href: '/settings/keys', key: 'settings.keys', needs: 'key.write' },
  { href: '/settings/data', key: 'settings.data', needs: 'data.manage' }, { href: '/settings/forgotten', key: 'settings.forgotten', needs: 'data.manage' }, { href: '/settings/audit', key: 'settings.audit', needs: 'audit.read' },
];

/** What keys do that are awkward on some keyboards; the page that is open says whether it can. */
const COMMANDS: { key: Key; run: () => void; on?: RegExp }[] = [
  { key: 'keys.title', run: () => { helpOpen.value = true; } },
  { key: 'keys.previous', run: () => press('['), on: /^\/devices$/ },
  { key: 'keys.next', run: () => press(']'), on: /^\/devices$/ },
];

function entries(text: string, devices: Device[]): Entry[] {
  const needle = text.trim().toLowerCase();
  const pages = PAGES.filter((p) => !p.needs || may(p.needs)).map((p) => ({ key: p.href, text: t(p.key), note: t('search.page'), icon: pageIcon, run: () => go(p.href) }));
  const commands = COMMANDS.filter((c) => c.on?.test(path.peek()) ?? true).map((c) => ({ key: c.key, text: t(c.key), note: t('search.command'), icon: keysIcon, run: c.run }));
  const own = [...pages, ...commands].filter((p) => p.text.toLowerCase().includes(needle));
  const found = devices.map((d) => ({
    key: 'd' + d.id, text: d.name, note: [word('kind', d.kind), d.serial, d.address].filter(Boolean).join(' · '), icon: deviceIcon, run: () => go(`/devices/${d.id}`),
  }));
  return needle ? [...found, ...own] : own;
}

const close = (): void => { paletteOpen.value = false; };

export default function Palette() {
  const ref = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [devices, setDevices] = useState<Device[]>([]);
  const list = entries(text, devices);

  useLayoutEffect(() => {
    const el = ref.current!;
    const restore = keepFocus();
    el.addEventListener('close', close);
    el.showModal();
    return () => { el.removeEventListener('close', close); el.close(); restore(); };
  }, []);
  useEffect(() => {
    setAt(0);
    if (!text.trim()) { setDevices([]); return undefined; }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      get<DeviceList>('/devices', { search: text.trim(), limit: 8 }, abort.signal).then((r) => setDevices(r.items), () => undefined);
    }, 120);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [text]);

  const choose = (e: Entry | undefined): void => { if (e) { close(); e.run(); } };
  const onKey = (e: KeyboardEvent): void => {
    const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    if (step && list.length) { e.preventDefault(); setAt((at + step + list.length) % list.length); }
    else if (e.key === 'Enter') { e.preventDefault(); choose(list[at]); }
  };
  useEffect(() => { ref.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }); }, [at]);

  return (
    <dialog ref={ref} class="palette" aria-label={t('search.open')} onCancel={(e) => { e.preventDefault(); close(); }}
      onClick={(e) => { if (e.target === ref.current) close(); }}>
      <div class="palette-in">
        <Icon svg={searchIcon} />
        <input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list" aria-label={t('search.open')}
          aria-activedescendant={list.length ? `palette-${at}` : undefined} placeholder={t('search.placeholder')} value={text}
          onInput={(e) => setText(e.currentTarget.value)} onKeyDown={onKey} autofocus />
        <kbd>Esc</kbd>
      </div>
      <div class="palette-list" id="palette-list" role="listbox" aria-label={t('search.results')}>
        {list.map((e, i) => (
          <div key={e.key} id={`palette-${i}`} class="palette-item" role="option" aria-selected={i === at} onClick={() => choose(e)} onPointerMove={() => setAt(i)}>
            <Icon svg={e.icon} /><span>{e.text}</span><small>{e.note}</small>
          </div>
        ))}
      </div>
      {list.length === 0 && <p class="empty">{t('search.none')}</p>}
    </dialog>
  );
}
