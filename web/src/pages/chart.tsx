// Analysis: points of any devices over any period. The chart itself is the device page's.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Device, Point } from '../api/types';
import { t } from '../model/i18n';
import { numbers } from '../model/query';
import { query, setQuery } from '../live/router';
import { ChartView } from '../parts/chart-view';
import { Icon } from '../parts/icon';
import { SeriesPicker } from '../parts/series-picker';
import { Empty } from '../parts/states';
import { isNumeric } from '../parts/value';
import plusIcon from '../icons/plus.svg';

/** `?devices=1,2` of a selection becomes the main value of each. */
async function pointsOf(devices: number[]): Promise<number[]> {
  const each = await Promise.all(devices.map(async (id) => {
    const [d, p] = await Promise.all([get<Device>(`/devices/${id}`), get<{ items: Point[] }>(`/devices/${id}/points`)]);
    const usable = p.items.filter(isNumeric);
    return (usable.find((x) => x.key === d.headline?.key) ?? usable[0])?.point ?? 0;
  }).map((x) => x.catch(() => 0)));
  return each.filter((x) => x > 0);
}

export default function ChartPage() {
  const [picking, pick] = useState(false);
  const devices = query.value['devices'];
  useEffect(() => {
    if (!devices) return;
    void pointsOf(numbers(devices)).then((p) => setQuery({ devices: '', points: p.join(',') }));
  }, [devices]);
  const add = <button type="button" class="btn btn-primary" onClick={() => pick(true)}><Icon svg={plusIcon} />{t('chart.add')}</button>;
  return (
    <>
      <div class="page-head"><h1>{t('nav.chart')}</h1></div>
      <ChartView named add={add} empty={<Empty title={t('chart.emptyTitle')} text={t('chart.emptyText')}><button type="button" class="btn" onClick={() => pick(true)}>{t('chart.add')}</button></Empty>} />
      {picking && <SeriesPicker first={null} onClose={() => pick(false)} />}
    </>
  );
}
