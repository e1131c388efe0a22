// The chart of a device: starts with its most telling values.
import { useEffect, useState } from 'preact/hooks';
import type { Value } from '../../api/types';
import { t } from '../../model/i18n';
import { query } from '../../live/router';
import { ChartView, choosePoints } from '../../parts/chart-view';
import type { TabProps } from '../../parts/device-tab';
import { Icon } from '../../parts/icon';
import { SeriesPicker } from '../../parts/series-picker';
import { Empty } from '../../parts/states';
import { isAbsent, isNumeric } from '../../parts/value';
import plusIcon from '../../icons/plus.svg';

const FIRST = ['flow_temperature', 'return_temperature', 'power', 'active_power', 'outdoor_temperature', 'flow', 'hca_units', 'volume', 'energy'];

/** Up to three momentary values a heat engineer looks at first; counters when there is nothing else. */
export function usual(values: Value[]): number[] {
  const usable = values.filter((v) => isNumeric(v) && v.storage === 0 && v.tariff === 0 && v.function === 'instantaneous' && !isAbsent(v));
  const rank = (v: Value): number => { const i = FIRST.indexOf(v.name); return i < 0 ? 99 : i; };
  const sorted = [...usable].sort((a, b) => rank(a) - rank(b));
  const gauges = sorted.filter((v) => v.aggregation !== 'counter');
  return (gauges.length ? gauges : sorted).slice(0, 3).map((v) => v.point);
}

export default function ChartTab({ device, latest }: TabProps) {
  const [picking, pick] = useState(false);
  const asked = query.value['points'];
  useEffect(() => {
    if (asked === undefined && latest.data) { const p = usual(latest.data.values); if (p.length) choosePoints(p); }
  }, [asked, latest.data === null]);
  const add = <button type="button" class="btn" onClick={() => pick(true)}><Icon svg={plusIcon} />{t('chart.add')}</button>;
  return (
    <>
      <ChartView add={add} empty={<Empty title={t('chart.emptyTitle')} text={t('chart.emptyText')}><button type="button" class="btn" onClick={() => pick(true)}>{t('chart.add')}</button></Empty>} />
      {picking && <SeriesPicker first={device.id} onClose={() => pick(false)} />}
    </>
  );
}
