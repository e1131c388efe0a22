// What a counter counted, by hours, days, months or years of the site, beside the period before.
import { get } from '../../api/client';
import type { Period, Periods, Value } from '../../api/types';
import { t, word, type Key } from '../../model/i18n';
import { csv } from '../../model/csv';
import { number, places } from '../../model/numbers';
import { spanOf, STEPS, type Span } from '../../model/tally';
import { civil, clock, date, month, parse, startOf, type Unit } from '../../model/time';
import { unitText } from '../../model/units';
import { serverNow } from '../../live/clock';
import { query, setQuery } from '../../live/router';
import { useResource } from '../../live/resource';
import type { TabProps } from '../../parts/device-tab';
import { download, fileName } from '../../parts/download';
import { Icon } from '../../parts/icon';
import { MARKS, QualityMark } from '../../parts/quality-mark';
import { StepBar } from '../../parts/step-bar';
import { Empty, Loaded } from '../../parts/states';
import { isNumeric, pointTitle } from '../../parts/value';
import { CountingCard } from './counting';
import downloadIcon from '../../icons/download.svg';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

interface Row { start: number; end: number; delta: number | null; old: number | null; period: Period }

const iso = (ms: number): string => new Date(ms).toISOString();

/** The span that is shown and the one before it. */
interface Both { now: Periods; before: Periods }

/** A meter's own settlement shifts its periods; one belongs where its middle lies. */
function rowsOf(both: Both, span: Span, now: number): Row[] {
  const within = (items: Period[], from: number, to: number) => items.map((period) => ({ start: parse(period.start)!, end: parse(period.end)!, period }))
    .filter((x) => (x.start + x.end) / 2 >= from && (x.start + x.end) / 2 < to);
  const old = within(both.before.items, span.before, span.from);
  return within(both.now.items, span.from, span.to).filter((x) => x.start < now)
    .map((x, i) => ({ ...x, delta: x.period.delta, old: old[i]?.period.delta ?? null }));
}

function label(step: Unit, ms: number): string {
  if (step === 'hour') return clock(ms);
  if (step === 'month') return month(ms);
  if (step === 'year') return String(civil(ms + 31 * DAY_MS / 2).y);
  return date(ms);
}

/** 23 or 25: the clock was changed on this day. */
function oddHours(step: Unit, r: Row): number | null {
  const hours = Math.round((r.end - r.start) / HOUR_MS);
  return step === 'day' && hours !== 24 ? hours : null;
}

function notes(step: Unit, r: Row, now: number): string {
  const odd = oddHours(step, r);
  return [
    odd === null ? '' : t('consumption.hours', { n: odd }),
    ...r.period.flags.map((f) => word('rowFlag', f)),
    r.delta === null && !r.period.flags.includes('back') ? t(r.end > now ? 'consumption.running' : 'consumption.unknown') : '',
  ].filter(Boolean).join(', ');
}

const markOf = (r: Row): string | undefined => MARKS[r.period.quality ?? ''];
const qualitiesOf = (rows: Row[]): string[] => Object.keys(MARKS).filter((q) => rows.some((r) => r.period.quality === q));

/** The keys of the bars and of the marks that are there. */
function Legend({ rows }: { rows: Row[] }) {
  const found = qualitiesOf(rows);
  return (
    <ul class="tally-legend" aria-label={t('consumption.legend')}>
      <li><i class="tally-new" />{t('consumption.this')}</li>
      <li><i class="tally-old" />{t('consumption.before')}</li>
      {found.length > 0 && <li><i class="tally-new tally-marked" />{t('consumption.marked')}</li>}
      {found.map((q) => <li key={q}><QualityMark quality={q} />{t(`consumption.${q}` as Key)}</li>)}
    </ul>
  );
}

const change = (a: number | null, b: number | null): string => (a === null || b === null || b <= 0 ? '' : `${a >= b ? '+' : ''}${number((a - b) / b * 100)} %`);

function Bars({ rows, step, text }: { rows: Row[]; step: Unit; text: (n: number | null) => string }) {
  const top = Math.max(...rows.flatMap((r) => [r.delta ?? 0, r.old ?? 0]), 0) || 1;
  const bar = (n: number | null, name: string) => <i class={name} style={{ height: `${Math.max(0, n ?? 0) / top * 100}%` }} />;
  return (
    <div class="tallies" role="img" aria-label={t('consumption.label')}>
      {rows.map((r, i) => (
        <div key={r.start} class={oddHours(step, r) === null ? 'tally' : 'tally tally-odd'} title={[`${label(step, r.start)}: ${text(r.delta)} (${text(r.old)})`, markOf(r) && word('quality', r.period.quality)].filter(Boolean).join(', ')}>
          {bar(r.old, 'tally-old')}{bar(r.delta, markOf(r) ? 'tally-new tally-marked' : 'tally-new')}
          <span>{step === 'day' ? civil(r.start).d : step === 'month' ? civil(r.start).mo : step === 'hour' ? civil(r.start).h : i % 2 ? '' : label(step, r.start)}</span>
        </div>
      ))}
    </div>
  );
}

function Table({ rows, step, text, unit, now }: { rows: Row[]; step: Unit; text: (n: number | null) => string; unit: string; now: number }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={t('tab.consumption')}>
      <table class="table tally-table">
        <thead><tr>
          <th>{t('chart.period')}</th><th class="num">{t('tab.consumption')} [{unit}]</th><th class="num">{t('consumption.before')}</th>
          <th class="num">{t('consumption.change')}</th><th class="num phone-hide-cell">{t('chart.last')}</th><th class="phone-hide-cell">{t('consumption.note')}</th>
        </tr></thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.start}>
              <td><span class="nowrap">{label(step, r.start)}</span><small class="phone-line grey wrap">{notes(step, r, now)}</small></td><td class="num">{markOf(r) && <QualityMark quality={r.period.quality!} />}<strong>{text(r.delta)}</strong></td><td class="num">{text(r.old)}</td>
              <td class="num">{change(r.delta, r.old)}</td><td class="num phone-hide-cell">{text(r.period.last)}</td><td class="phone-hide-cell">{notes(step, r, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Consumption({ rows, total, step, value, name, now, busy }: { rows: Row[]; total: number | null; step: Unit; value: Value; name: string; now: number; busy: boolean }) {
  const unit = unitText(value.unit);
  const known = rows.filter((r) => r.delta !== null);
  const decimals = known.every((r) => Number.isInteger(r.delta)) ? 0 : places(Math.max(...known.map((r) => r.delta!), 0));
  const text = (n: number | null): string => (n === null ? '–' : number(n, decimals));
  const worst = qualitiesOf(known)[0];
  // Only what stands beside something is compared: half a month not with a whole one.
  const both = known.filter((r) => r.old !== null);
  const roughly = (of: (r: Row) => number | null): number => both.reduce((all, r) => all + of(r)!, 0);
  const save = (): void => download(`${fileName(name)}.csv`, csv(
    [t('consumption.start'), t('consumption.end'), `${t('tab.consumption')} [${unit}]`, t('consumption.before'), t('chart.last'), t('consumption.quality'), t('consumption.note')],
    rows.map((r) => [iso(r.start), iso(r.end), r.delta, r.old, r.period.last, r.period.quality, notes(step, r, now)]),
  ));
  if (!rows.some((r) => r.period.count > 0)) return <div class="card"><Empty title={t('chart.noData')} text={t('consumption.noDataText')} /></div>;
  return (
    <div class="card" aria-busy={busy}>
      <div class="chart-tools">
        <p class="sum">{worst && <QualityMark quality={worst} />}<strong>{text(total)} {unit}</strong> {both.length > 0 && <span class="grey">{t('consumption.compared', { change: change(roughly((r) => r.delta), roughly((r) => r.old)) || '–' })}</span>}</p>
        <button type="button" class="btn" onClick={save}><Icon svg={downloadIcon} />CSV</button>
      </div>
      <Bars rows={rows} step={step} text={text} />
      <Legend rows={rows} />
      <Table rows={rows} step={step} text={text} unit={unit} now={now} />
    </div>
  );
}

const counters = (values: Value[]): Value[] => values.filter((v) => isNumeric(v) && v.aggregation === 'counter' && v.function === 'instantaneous');

export default function ConsumptionTab({ device, latest }: TabProps) {
  const choices = counters(latest.data?.values ?? []);
  const value = choices.find((v) => String(v.point) === query.value['point']) ?? choices[0];
  const s = STEPS.find((x) => x.step === query.value['step']) ?? STEPS[1]!;
  const now = serverNow();
  const at = Date.parse(query.value['at'] ?? '') || now;
  const span = spanOf(s, at);
  const to = Math.max(span.from + 1, Math.min(span.to, startOf(s.step, now) + 1));
  const ask = (from: number, until: number, signal: AbortSignal) => get<Periods>(`/points/${value!.point}/periods`, { step: s.step, from: iso(from), to: iso(until) }, signal);
  const rows = useResource<Both>(value ? `c${value.point} ${s.step} ${span.before} ${to}` : null, async (signal) => {
    const [shown, before] = await Promise.all([ask(span.from, to, signal), ask(span.before, span.from, signal)]);
    return { now: shown, before };
  });
  if (latest.data && !value) {
    const read = latest.data.values.length > 0;
    return <div class="card"><Empty title={t(read ? 'consumption.noneTitle' : 'values.none')} text={t(read ? 'consumption.noneText' : 'values.noneText')} /></div>;
  }
  return (
    <>
      <div class="toolbar">
        <select class="input tally-choice" aria-label={t('consumption.register')} value={value?.point} onChange={(e) => setQuery({ point: e.currentTarget.value })}>
          {choices.map((v) => <option key={v.point} value={v.point}>{pointTitle(v)} [{unitText(v.unit)}]</option>)}
        </select>
        <StepBar step={s} at={at} span={span} now={now} />
      </div>
      <Loaded from={rows} what={t('consumption.failed')}>
        {(found) => <Consumption rows={rowsOf(found, span, now)} total={found.now.sum} step={s.step} value={value!} name={`${device.name}-${value!.key}`} now={now} busy={rows.loading} />}
      </Loaded>
      {value && <CountingCard key={value.point} value={value} onChange={rows.reload} />}
    </>
  );
}
