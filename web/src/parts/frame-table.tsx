// A list of stored telegrams.
import type { FrameSummary } from '../api/types';
import { t, word } from '../model/i18n';
import { dateTime } from '../model/time';
import { signalText } from '../model/units';
import type { Mark } from '../model/status';
import { go } from '../live/router';
import { Status } from './status';

/** Missing keys are a task for someone, damaged bytes a sign of the line. */
export function outcomeMark(outcome: string): Mark {
  if (outcome === 'OK') return 'normal';
  if (outcome === 'NO_KEY' || outcome === 'UNSUPPORTED' || outcome === 'UNKNOWN' || outcome === 'NOT_FOUND') return 'low';
  return 'medium';
}

export function FrameTable({ items, devices = false }: { items: FrameSummary[]; devices?: boolean }) {
  return (
    <div class="table-box">
      <table class="table table-mid">
        <thead><tr><th>{t('chart.time')}</th><th>{t('comm.result')}</th>{devices && <><th>{t('frames.device')}</th><th>{t('col.line')}</th></>}<th class="phone-hide-cell">{t('frames.protocol')}</th><th class="num">{t('frames.bytes')}</th><th class="num">{t('frames.signal')}</th></tr></thead>
        <tbody>
          {items.map((f) => (
            <tr key={f.id} class="row-go" onClick={(e) => { if (!(e.target as Element).closest('a')) go(`/frames/${f.id}`); }}>
              <td class="nowrap"><a href={`/frames/${f.id}`}>{dateTime(f.time, true)}</a></td>
              <td class="nowrap"><Status mark={outcomeMark(f.outcome)} word={word('outcome', f.outcome)} /></td>
              {devices && <><td>{f.device ? <a href={`/devices/${f.device}`}>{f.device_name || `#${f.device}`}</a> : <span class="grey">{[f.manufacturer, f.serial].filter(Boolean).join(' ') || t('frames.unknown')}</span>}</td><td>{f.line ? <a href={`/lines/${f.line}`}>{f.line_name || `#${f.line}`}</a> : ''}</td></>}
              <td class="phone-hide-cell">{word('protocol', f.protocol)}</td><td class="num">{f.bytes}</td><td class="num">{signalText(f.signal_dbm)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
