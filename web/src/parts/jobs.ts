// Starting reads.
import { post } from '../api/client';
import type { Job } from '../api/types';
import { t } from '../model/i18n';
import { errorText } from './states';
import { ApiError } from '../api/client';
import { toast } from './toast';

/** Has devices read now. When that is refused it says so, and there are no jobs. */
export async function startReading(devices: number[]): Promise<Job[]> {
  try {
    return (await post<{ jobs: Job[] }>('/read', { devices })).jobs;
  } catch (e) {
    toast(`${t('read.failed')} ${e instanceof ApiError ? errorText(e) : ''}`, { error: true });
    return [];
  }
}
