// The raw frames of this device; each opens in the inspector.
import { get } from '../../api/client';
import type { FrameSummary } from '../../api/types';
import { t } from '../../model/i18n';
import { useResource } from '../../live/resource';
import type { TabProps } from '../../parts/device-tab';
import { FrameTable } from '../../parts/frame-table';
import { Empty, Loaded } from '../../parts/states';

export default function TelegramsTab({ device }: TabProps) {
  const frames = useResource(`f${device.id}`, (s) => get<{ items: FrameSummary[] }>(`/devices/${device.id}/frames`, {}, s));
  return (
    <div class="card">
      <Loaded from={frames} what={t('frames.failed')}>
        {(f) => (f.items.length === 0 ? <Empty title={t('frames.none')} text={t('frames.noneText')} /> : <FrameTable items={f.items} />)}
      </Loaded>
    </div>
  );
}
