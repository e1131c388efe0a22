// Hours, days, months or years, and which of them: the address bar holds both.
import { t, type Key } from '../model/i18n';
import { moved, STEPS, type Span, type Step } from '../model/tally';
import { civil, date } from '../model/time';
import { setQuery } from '../live/router';
import { Icon } from './icon';
import leftIcon from '../icons/chevron-left.svg';
import rightIcon from '../icons/chevron-right.svg';

const HALF_DAY_MS = 43_200_000;
const iso = (ms: number): string => new Date(ms).toISOString();

function words(s: Step, span: Span): string {
  if (s.step === 'hour') return date(span.from);
  if (s.step === 'day') return `${date(span.from)} – ${date(span.to - HALF_DAY_MS)}`;
  const last = civil(span.to - 2 * HALF_DAY_MS).y;
  return s.step === 'month' ? String(civil(span.from).y) : `${civil(span.from).y} – ${last}`;
}

export function StepBar({ step, at, span, now }: { step: Step; at: number; span: Span; now: number }) {
  const move = (n: number): void => setQuery({ at: iso(moved(step, span, n)) });
  return (
    <>
      <div class="seg" role="group" aria-label={t('chart.period')}>
        {STEPS.map((x) => <button key={x.step} type="button" aria-pressed={x === step} onClick={() => setQuery({ step: x.step, at: iso(at) })}>{t(`consumption.${x.step}` as Key)}</button>)}
      </div>
      <div class="chart-step">
        <button type="button" class="btn btn-icon" onClick={() => move(-1)}><Icon svg={leftIcon} label={t('chart.back')} /></button>
        <span class="chart-label">{words(step, span)}</span>
        <button type="button" class="btn btn-icon" disabled={span.to > now} onClick={() => move(1)}><Icon svg={rightIcon} label={t('chart.forward')} /></button>
      </div>
    </>
  );
}
