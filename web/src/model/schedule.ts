// Reading schedules as the server writes them: "none", "every 15 min", "daily 03:10", "Mon-Fri 06:00".
import { t, word } from './i18n';

export interface Schedule { kind: 'none' | 'every' | 'daily'; minutes: number; time: string; days: string }

export const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
export const PERIODS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440];

export function parseSchedule(text: string): Schedule {
  const every = /^every (\d+) ?(min|h)?$/.exec(text);
  if (every) return { kind: 'every', minutes: Number(every[1]) * (every[2] === 'h' ? 60 : 1), time: '03:00', days: 'daily' };
  const daily = /^(daily|[A-Z][A-Za-z,-]+) (\d\d:\d\d)$/.exec(text);
  if (daily) return { kind: 'daily', minutes: 15, time: daily[2]!, days: daily[1]! };
  return { kind: 'none', minutes: 15, time: '03:00', days: 'daily' };
}

/** The schedule in the reader's words. */
export function scheduleWords(text: string): string {
  const s = parseSchedule(text);
  if (s.kind === 'every') return s.minutes % 60 === 0 ? t('schedule.everyHours', { n: s.minutes / 60 }) : t('schedule.everyMinutes', { n: s.minutes });
  if (s.kind === 'daily') return `${word('days', s.days)} ${s.time}`;
  return text === 'none' || text === '' ? t('schedule.none') : text;
}

export function scheduleText(s: Schedule): string {
  if (s.kind === 'every') return `every ${s.minutes} min`;
  if (s.kind === 'daily') return `${s.days || 'daily'} ${s.time}`;
  return 'none';
}
