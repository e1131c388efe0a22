// A running job, live: state, progress, what it says. Used by scans, tests and the jobs page.
import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { del, get } from '../api/client';
import type { Job } from '../api/types';
import { t, word } from '../model/i18n';
import { number } from '../model/numbers';
import { isRunning, JOB_MARK } from '../model/status';
import { subscribe } from '../live/stream';
import { Status } from './status';

const awaitsValues = (j: Job): boolean => j.kind === 'test' && j.state === 'done' && j.values === undefined;

/** Follows a job by events, and by asking while it runs; results come with the asked form. */
export function useJobDetail(id: number | null): Job | null {
  const job = useSignal<Job | null>(null);
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  useEffect(() => {
    job.value = null;
    if (id === null) return undefined;
    let busy = false;
    const load = (): void => {
      if (busy) return;
      busy = true;
      get<Job>(`/jobs/${id}`).then((j) => { if (alive.current) job.value = j; }, () => undefined).finally(() => { busy = false; });
    };
    load();
    const stop = subscribe(['jobs'], [], (e) => {
      const j = e.data as Job;
      if (e.type !== 'job' || j.id !== id) return;
      // Events carry progress; found devices and values are asked for when their number changes or at the end.
      if (job.peek() && j.found === job.peek()!.found && isRunning(j.state)) job.value = { ...job.peek()!, ...j };
      else load();
    });
    // The answer of a test may follow its last state by a moment.
    let patience = 10;
    const timer = setInterval(() => {
      const j = job.peek();
      if (!j || isRunning(j.state)) load();
      else if (awaitsValues(j) && patience-- > 0) load();
    }, 500);
    return () => { stop(); clearInterval(timer); };
  }, [id]);
  return job.value;
}

/** A search asks and listens by turns, many times a second: it runs, whatever the last telegram did. */
export const jobWord = (j: Job): string => (j.kind === 'scan' && ['sent', 'loading', 'processing'].includes(j.state) ? t('job.running') : word('job', j.state));

export const cancelJob = (id: number): Promise<void> => del(`/jobs/${id}`);

export function JobProgress({ job }: { job: Job }) {
  const part = job.total > 0 ? Math.min(1, (job.done + job.failed) / job.total) : 0;
  return (
    <div class="job-progress">
      <div class="job-line">
        <Status mark={JOB_MARK[job.state]} word={jobWord(job)} />
        {job.total > 1 && <span class="grey">{job.kind === 'scan' ? t('job.percent', { n: Math.floor(part * 100) }) : t('job.progress', { done: number(job.done + job.failed), total: number(job.total) })}</span>}
        {job.kind === 'scan' && <span>{t('job.found', { n: job.found })}</span>}
      </div>
      {job.total > 1 && <div class="progress" role="progressbar" aria-label={t('job.progressLabel')} aria-valuemin={0} aria-valuemax={job.total} aria-valuenow={job.done + job.failed}><div style={{ width: `${part * 100}%` }} /></div>}
      {job.text && <p class="grey wrap">{job.text}</p>}
    </div>
  );
}
