// Reading, scan and test jobs with their nine states (COL-37), live.
import { useEffect } from 'preact/hooks';
import { get } from '../api/client';
import type { Job, List } from '../api/types';
import { t, word } from '../model/i18n';
import { number } from '../model/numbers';
import { isRunning, JOB_MARK } from '../model/status';
import { dateTime } from '../model/time';
import { ago } from '../live/clock';
import { query, setQuery } from '../live/router';
import { useResource } from '../live/resource';
import { may } from '../live/session';
import { subscribe } from '../live/stream';
import { Icon } from '../parts/icon';
import { cancelJob, jobWord } from '../parts/job-progress';
import { Empty, errorText, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import { toast } from '../parts/toast';
import { ApiError } from '../api/client';
import xIcon from '../icons/x.svg';

function Subject({ j }: { j: Job }) {
  if (j.device) return <a href={`/devices/${j.device}`}>{j.device_name || `#${j.device}`}</a>;
  if (j.line) return <a href={`/lines/${j.line}`}>{j.line_name || `#${j.line}`}</a>;
  return <span class="grey">–</span>;
}

async function cancel(id: number, reload: () => void): Promise<void> {
  try { await cancelJob(id); reload(); }
  catch (e) { toast(e instanceof ApiError ? errorText(e) : String(e), { error: true }); }
}

export default function JobsPage() {
  const jobs = useResource('jobs', (s) => get<List<Job>>('/jobs', { limit: 500 }, s));
  const only = query.value['show'] ?? '';
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const stop = subscribe(['jobs'], [], (e) => {
      if (e.type === 'poll') jobs.reload();
      if (e.type !== 'job') return;
      due ??= setTimeout(() => { due = undefined; jobs.reload(); }, 600);
    });
    return () => { stop(); clearTimeout(due); };
  }, []);
  const shown = (list: Job[]): Job[] => list.filter((j) => (only === 'running' ? isRunning(j.state) : only === 'failed' ? j.state === 'error' || j.state === 'done_with_errors' : true));
  return (
    <>
      <div class="page-head"><h1>{t('nav.jobs')}</h1></div>
      <div class="toolbar">
        <div class="seg" role="group" aria-label={t('job.which')}>
          {(['', 'running', 'failed'] as const).map((x) => <button key={x} type="button" aria-pressed={only === x} onClick={() => setQuery({ show: x }, false)}>{t(x === '' ? 'job.all' : x === 'running' ? 'job.running' : 'job.failed')}</button>)}
        </div>
      </div>
      <div class="card">
        <Loaded from={jobs} what={t('job.listFailed')}>
          {(l) => (shown(l.items).length === 0 ? <Empty title={t(only ? 'job.noneMatch' : 'job.none')} text={t('job.noneText')} /> : (
            <div class="table-box">
              <table class="table table-mid">
                <thead><tr><th>{t('col.state')}</th><th class="phone-hide-cell">{t('job.kind')}</th><th>{t('job.subject')}</th><th class="num phone-hide-cell">{t('job.progressShort')}</th><th>{t('job.started')}</th><th class="phone-hide-cell">{t('job.text')}</th><th><span class="sr">{t('chart.actions')}</span></th></tr></thead>
                <tbody>
                  {shown(l.items).map((j) => (
                    <tr key={j.id}>
                      <td class="nowrap"><Status mark={JOB_MARK[j.state]} word={jobWord(j)} /></td>
                      <td class="nowrap phone-hide-cell">{word('jobkind', j.kind)}</td><td><Subject j={j} /><small class="phone-line grey">{word('jobkind', j.kind)}</small></td>
                      <td class="num nowrap phone-hide-cell">{j.total > 1 ? `${number(j.done + j.failed)} / ${number(j.total)}` : ''}{j.kind === 'scan' ? ` · ${t('job.found', { n: j.found })}` : ''}</td>
                      <td class="nowrap" title={dateTime(j.created, true)}>{ago(j.created)}</td><td class="wrap small phone-hide-cell">{j.text}</td>
                      <td class="num">{may('job.run') && isRunning(j.state) && <button type="button" class="btn-icon small" title={t('job.cancel')} aria-label={t('job.cancel')} onClick={() => void cancel(j.id, jobs.reload)}><Icon svg={xIcon} size={14} /></button>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ))}
        </Loaded>
      </div>
    </>
  );
}
