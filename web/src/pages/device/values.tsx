// Latest values with age, quality and source; the info code in words.
import type { InfoBit, Latest, Value } from '../../api/types';
import { t, word } from '../../model/i18n';
import { formatQuery } from '../../model/query';
import { parseSchedule } from '../../model/schedule';
import { qualityMark, worst } from '../../model/status';
import { dateTime, parse } from '../../model/time';
import { age, now } from '../../live/clock';
import { path } from '../../live/router';
import type { TabProps } from '../../parts/device-tab';
import { Icon } from '../../parts/icon';
import { Empty, Loaded } from '../../parts/states';
import { Status } from '../../parts/status';
import { isAbsent, isNumeric, pointTitle, ValueText } from '../../parts/value';
import binaryIcon from '../../icons/binary.svg';
import chartIcon from '../../icons/chart-line.svg';

function InfoCode({ bits }: { bits: InfoBit[] }) {
  if (bits.length === 0) return null;
  const mark = worst(bits.map((b) => b.severity));
  return (
    <section class={`card info-card info-${mark}`} aria-label={t('values.info')}>
      <div class="card-head"><h2>{t('values.info')}</h2></div>
      <ul>
        {bits.map((b) => (
          <li key={b.name} class="row-link">
            <Status mark={b.severity} word={word('severity', b.severity)} />
            <span class="grow">{b.text || word('info', b.name)}</span>
            <span class="grey small">{b.bit === null ? t('values.code', { n: b.code ?? 0 }) : t('values.bit', { n: b.bit })}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Values older than three usual periods are grey with their age: no false "now". */
function isOld(v: Value, schedule: string): boolean {
  const s = parseSchedule(schedule);
  const period = (s.kind === 'every' ? s.minutes : 480) * 60_000;
  const at = parse(v.time);
  return at !== null && now.value - at > 3 * period;
}

interface Group { title: string; values: Value[] }
/** Momentary values first, then each storage (due dates, months), identity and texts last. */
function groups(values: Value[]): Group[] {
  const out: Group[] = [];
  const put = (title: string, list: Value[]): void => { if (list.length) out.push({ title, values: list }); };
  const measured = (v: Value): boolean => isNumeric(v) || v.quantity === 'state' || v.quantity === 'flags';
  const current = values.filter((v) => v.storage === 0);
  put(t('values.current'), current.filter((v) => measured(v) && v.function === 'instantaneous'));
  put(t('values.extremes'), current.filter((v) => measured(v) && v.function !== 'instantaneous'));
  const stores = [...new Set(values.filter((v) => v.storage > 0).map((v) => v.storage))].sort((a, b) => a - b);
  for (const s of stores) put(t('values.storage', { n: s }), values.filter((v) => v.storage === s));
  put(t('values.identity'), current.filter((v) => !measured(v)));
  return out;
}

function Row({ v, schedule, inGroup }: { v: Value; schedule: string; inGroup: boolean }) {
  const old = isOld(v, schedule);
  const title = pointTitle(inGroup ? { ...v, storage: 0 } : v);
  return (
    <tr>
      <td>{title}{v.aggregation === 'counter' && v.storage === 0 && <span class="sr"> {t('values.counter')}</span>}
        <small class="phone-line grey">{old ? <span class="old">{age(v.time)}</span> : age(v.time)}{v.quality !== 'good' && <> · {word('quality', v.quality)}</>}</small></td>
      <td class={`num live-value${old ? ' old' : ''}`}><ValueText v={v} /></td>
      <td class="num nowrap phone-hide-cell" title={dateTime(v.time, true)}>{old ? <span class="old">{age(v.time)}</span> : age(v.time)}</td>
      <td class="phone-hide-cell">{v.quality === 'good' ? <span class="grey">{word('quality', 'good')}</span> : <Status mark={qualityMark(v.quality)} word={word('quality', v.quality)} />}</td>
      <td class="grey phone-hide-cell">{word('source', v.source)}</td>
      <td class="num">
        <span class="nowrap">
          {isNumeric(v) && !isAbsent(v) && <a class="btn-icon small" href={`${path.value}${formatQuery({ tab: 'chart', points: v.point })}`} aria-label={t('values.chart', { name: title })} title={t('values.chartShort')}><Icon svg={chartIcon} size={14} /></a>}
          {v.frame !== null && <a class="btn-icon small" href={`/frames/${v.frame}${formatQuery({ key: v.key })}`} aria-label={t('values.explain', { name: title })} title={t('values.explainShort')}><Icon svg={binaryIcon} size={14} /></a>}
        </span>
      </td>
    </tr>
  );
}

export function ValuesTab({ device, latest }: TabProps) {
  return (
    <Loaded from={latest} what={t('values.failed')} rows={9}>
      {(l: Latest) => l.values.length === 0 ? (
        <div class="card"><Empty title={t('values.none')} text={t('values.noneText')}><a class="btn" href={`${path.value}?tab=communication`}>{t('device.showCommunication')}</a></Empty></div>
      ) : (
        <div class="stack">
          <InfoCode bits={l.info} />
          {groups(l.values).map((g) => (
            <section key={g.title} class="card">
              <div class="card-head"><h2>{g.title}</h2></div>
              <div class="table-box">
                <table class="table table-mid values-table">
                  <thead><tr><th>{t('values.name')}</th><th class="num">{t('col.value')}</th><th class="num phone-hide-cell">{t('col.age')}</th><th class="phone-hide-cell">{t('values.quality')}</th><th class="phone-hide-cell">{t('values.source')}</th><th><span class="sr">{t('chart.actions')}</span></th></tr></thead>
                  <tbody>{g.values.map((v) => <Row key={v.point} v={v} schedule={device.schedule} inGroup={v.storage > 0} />)}</tbody>
                </table>
              </div>
            </section>
          ))}
        </div>
      )}
    </Loaded>
  );
}
