// Which mark a state gets. Status is shape + colour + word; the marks are drawn in parts/status.tsx.
import type { Backup, DeviceState, JobState, Severity } from '../api/types';

export type Mark = Severity | 'nodata' | 'shelved' | 'busy';

export const DEVICE_MARK: Record<DeviceState, Mark> = {
  ok: 'normal', stale: 'nodata', failing: 'high', never: 'nodata', disabled: 'shelved',
};

export const JOB_MARK: Record<JobState, Mark> = {
  waiting: 'busy', queued: 'busy', sent: 'busy', loading: 'busy', processing: 'busy',
  done: 'normal', done_with_errors: 'medium', error: 'high', unknown: 'nodata',
};
export const isRunning = (state: JobState): boolean => JOB_MARK[state] === 'busy';

export const BACKUP_MARK: Record<Backup['state'], Mark> = { good: 'normal', damaged: 'high', foreign: 'shelved', unknown: 'nodata' };

const LINK_MARK: Record<string, Mark> = {
  connected: 'normal', listening: 'normal', open: 'normal', idle: 'normal',
  connecting: 'busy', disabled: 'shelved', failed: 'high', disconnected: 'high', error: 'high', off: 'shelved',
};
export const linkMark = (link: string, enabled: boolean): Mark => (enabled ? LINK_MARK[link] ?? 'nodata' : 'shelved');

const ORDER: Mark[] = ['shelved', 'busy', 'normal', 'low', 'nodata', 'medium', 'high', 'critical'];
export function worst(marks: Mark[]): Mark {
  return marks.reduce<Mark>((a, b) => (ORDER.indexOf(b) > ORDER.indexOf(a) ? b : a), 'normal');
}

/** The mark of a value's quality: absent values are "no data", doubted ones are worth a look. */
export function qualityMark(quality: string): Mark {
  if (quality === 'good' || quality === 'manual' || quality === 'estimated' || quality === 'corrected') return 'normal';
  if (quality === 'doubtful') return 'medium';
  return quality === 'device_error' ? 'high' : 'nodata';
}
