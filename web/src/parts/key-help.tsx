// The list of keys.
import { t, type Key } from '../model/i18n';
import { Dialog } from './dialog';
import { helpOpen } from './keys';

const ROWS: [string, Key][] = [
  ['Ctrl K  /', 'keys.search'], ['?', 'keys.help'], ['g o', 'nav.overview'], ['g t', 'nav.devices'], ['g n', 'nav.chart'],
  ['g i', 'nav.frames'], ['g l', 'nav.lines'], ['g j', 'nav.jobs'], ['g ,', 'nav.settings'], ['f', 'keys.filter'],
  ['↑ ↓ PgUp PgDn Home End', 'keys.rows'], ['Enter', 'keys.open'], ['Space', 'keys.peek'], ['x', 'keys.select'],
  ['[  ]', 'keys.neighbour'], ['Esc', 'keys.close'], ['t ←  t →', 'keys.timeMove'], ['t z', 'keys.timeOut'], ['t l', 'keys.timeLive'], ['c', 'keys.compare'], ['+ − 0', 'keys.zoom'],
];

export default function KeyHelp() {
  return (
    <Dialog title={t('keys.title')} onClose={() => { helpOpen.value = false; }} wide>
      <dl class="key-list">
        {ROWS.map(([keys, text]) => (
          <div key={text}><dt>{keys.split(/\s{2,}|(?<=[^g t]) (?=\S)/).map((k) => <kbd key={k}>{k}</kbd>)}</dt><dd>{t(text)}</dd></div>
        ))}
      </dl>
      <p class="grey">{t('keys.off')} <a href="/settings/appearance" onClick={() => { helpOpen.value = false; }}>{t('settings.appearance')}</a></p>
    </Dialog>
  );
}
