// The panel beside a list: what a device says now, without leaving the list.
import { useEffect } from 'preact/hooks';
import { get } from '../api/client';
import type { Device, Latest } from '../api/types';
import { t, word } from '../model/i18n';
import { DEVICE_MARK } from '../model/status';
import { ago } from '../live/clock';
import { go } from '../live/router';
import { useResource } from '../live/resource';
import { may } from '../live/session';
import { subscribe } from '../live/stream';
import { Icon } from './icon';
import { startReading } from './jobs';
import { Loaded } from './states';
import { Status } from './status';
import { toast } from './toast';
import { isNumeric, pointTitle, ValueText } from './value';
import upIcon from '../icons/chevron-left.svg';
import downIcon from '../icons/chevron-right.svg';
import xIcon from '../icons/x.svg';
import readIcon from '../icons/refresh-cw.svg';

/** Has those of the devices read now that can be asked, and says how many. */
export async function readNow(devices: Device[]): Promise<void> {
  const asked = devices.filter((d) => d.polled).map((d) => d.id);
  const others = devices.length - asked.length;
  if ((await startReading(asked)).length === 0) return;
  const text = t('read.started', { n: asked.length }) + (others > 0 ? ` ${t('read.others', { n: others })}` : '');
  toast(text, { action: { label: t('read.show'), run: () => go('/jobs') } });
}

export function Peek({ id, onClose, onStep }: { id: number; onClose: () => void; onStep: (by: 1 | -1) => void }) {
  const device = useResource(`d${id}`, (s) => get<Device>(`/devices/${id}`, {}, s));
  const latest = useResource(`l${id}`, (s) => get<Latest>(`/devices/${id}/latest`, {}, s));
  useEffect(() => subscribe(['devices'], [], (e) => {
    const mine = e.type === 'device' && (e.data as { id: number }).id === id;
    if (mine || e.type === 'poll') { device.reload(); latest.reload(); }
  }), [id]);
  const d = device.data;
  return (
    <aside class="peek" aria-label={t('peek.label')}>
      <div class="peek-head">
        <h2>{d ? d.name : '\u00a0'}</h2>
        <button type="button" class="btn-icon" title={`${t('keys.previous')} [`} aria-label={t('keys.previous')} onClick={() => onStep(-1)}><Icon svg={upIcon} /></button>
        <button type="button" class="btn-icon" title={`${t('keys.next')} ]`} aria-label={t('keys.next')} onClick={() => onStep(1)}><Icon svg={downIcon} /></button>
        <button type="button" class="btn-icon" aria-label={t('action.close')} onClick={onClose}><Icon svg={xIcon} /></button>
      </div>
      <div class="peek-body">
        <Loaded from={device} what={t('peek.failed')}>
          {(x) => (
            <>
              <div><Status mark={DEVICE_MARK[x.state]} word={word('state', x.state)} /> {x.last_reading && <span class="grey">· {ago(x.last_reading)}</span>}</div>
              {x.last_error && x.state !== 'ok' && <p class="note note-warn wrap">{x.last_error}</p>}
              <div class="peek-actions">
                <a class="btn btn-primary" href={`/devices/${id}`}>{t('peek.open')}</a>
                {x.polled && may('job.run') && <button type="button" class="btn" onClick={() => void readNow([x])}><Icon svg={readIcon} />{t('read.now')}</button>}
              </div>
              <dl class="facts">
                <dt>{t('col.kind')}</dt><dd>{word('kind', x.kind)}</dd>
                <dt>{t('col.serial')}</dt><dd>{[x.manufacturer, x.serial].filter(Boolean).join(' ')}</dd>
                {x.address && <><dt>{t('col.address')}</dt><dd>{[x.address, x.city].filter(Boolean).join(', ')}</dd></>}
                <dt>{t('col.line')}</dt><dd>{x.line ? <a href={`/lines/${x.line}`}>{x.line_name}</a> : t('device.anyLine')}</dd>
              </dl>
            </>
          )}
        </Loaded>
        <Loaded from={latest} what={t('values.failed')}>
          {(l) => (l.values.length === 0 ? <p class="grey">{t('values.none')}</p> : (
            <div class="value-list">
              {l.values.filter((v) => v.storage === 0 && isNumeric(v)).slice(0, 16).map((v) => (
                <div key={v.point}><span title={pointTitle(v)}>{pointTitle(v)}</span><b class="live-value"><ValueText v={v} /></b></div>
              ))}
            </div>
          ))}
        </Loaded>
      </div>
    </aside>
  );
}
