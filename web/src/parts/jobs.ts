// Starting reads and following them.
import { post } from '../api/client';
import type { Job } from '../api/types';
import { t } from '../model/i18n';
import { go } from '../live/router';
import { errorText } from './states';
import { ApiError } from '../api/client';
import { toast } from './toast';

/** Reads devices now; says how many were taken unless the caller shows the job itself. */
export async function readNow(devices: number[], quiet = false): Promise<Job[]> {
  try {
    const r = await post<{ jobs: Job[] }>('/read', { devices });
    if (!quiet) toast(t('read.started', { n: devices.length }), { action: { label: t('read.show'), run: () => go('/jobs') } });
    return r.jobs;
  } catch (e) {
    toast(`${t('read.failed')} ${e instanceof ApiError ? errorText(e) : ''}`, { error: true });
    return [];
  }
}
