// Choose points of any device for the chart.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Device, DeviceList, Point } from '../api/types';
import { t, word } from '../model/i18n';
import { unitText } from '../model/units';
import { useResource } from '../live/resource';
import { chosenPoints, choosePoints } from './chart-view';
import { Dialog } from './dialog';
import { Loaded, Skeleton } from './states';
import { isNumeric, keyTitle } from './value';

function Points({ device }: { device: number }) {
  const points = useResource(`p${device}`, (s) => get<{ items: Point[] }>(`/devices/${device}/points`, {}, s));
  const chosen = chosenPoints();
  return (
    <Loaded from={points} what={t('chart.pointsFailed')}>
      {(p) => {
        const usable = p.items.filter(isNumeric);
        if (usable.length === 0) return <p class="menu-title">{t('chart.noPoints')}</p>;
        return usable.map((x) => (
          <label key={x.point} class="menu-item">
            <input type="checkbox" checked={chosen.includes(x.point)} onChange={(e) => choosePoints(e.currentTarget.checked ? [...chosen, x.point] : chosen.filter((n) => n !== x.point))} />
            <span>{keyTitle(x.key, x.label)}</span><small>{unitText(x.unit)}</small>
          </label>
        ));
      }}
    </Loaded>
  );
}

export function SeriesPicker({ first, onClose }: { first: number | null; onClose: () => void }) {
  const [search, setSearch] = useState('');
  const [device, setDevice] = useState<number | null>(first);
  const [found, setFound] = useState<Device[] | null>(null);
  const own = useResource(first ? `d${first}` : null, (s) => get<Device>(`/devices/${first}`, {}, s));
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      get<DeviceList>('/devices', { search, limit: 50, sort: 'name' }, abort.signal).then((r) => setFound(r.items), () => undefined);
    }, search ? 150 : 0);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [search]);
  const list = search || !own.data ? found : [own.data, ...(found ?? []).filter((d) => d.id !== first)];
  return (
    <Dialog title={t('chart.addTitle')} onClose={onClose} wide>
      <div class="picker">
        <div class="stack">
          <input class="input" type="search" data-autofocus placeholder={t('list.search')} aria-label={t('list.search')} value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
          <div class="picker-list" role="group" aria-label={t('nav.devices')}>
            {list === null ? <Skeleton /> : list.length === 0 ? <p class="menu-title">{t('search.none')}</p> : list.map((d) => (
              <button key={d.id} type="button" class="menu-item" aria-pressed={d.id === device} onClick={() => setDevice(d.id)}><span>{d.name}</span><small>{word('kind', d.kind)}</small></button>
            ))}
          </div>
        </div>
        <div class="stack">
          <h3>{t('chart.points')}</h3>
          <div class="picker-list" role="group" aria-label={t('chart.points')}>{device ? <Points key={device} device={device} /> : <p class="menu-title">{t('chart.chooseDevice')}</p>}</div>
        </div>
      </div>
      <div class="dialog-actions"><button type="button" class="btn btn-primary" onClick={onClose}>{t('action.done')}</button></div>
    </Dialog>
  );
}
