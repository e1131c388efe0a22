// Asks for the readings of a span of time to be wiped for ever: those of a former tenant, say.
import { post } from '../../api/client';
import type { Device, Forgotten } from '../../api/types';
import { t } from '../../model/i18n';
import { fromInput, startOf, toInput } from '../../model/time';
import { serverNow } from '../../live/clock';
import { go } from '../../live/router';
import { Dialog } from '../../parts/dialog';
import { CheckField, TextField } from '../../parts/fields';
import { useForm, type Wrong } from '../../parts/form';
import { ActionError, FieldError } from '../../parts/states';

interface Form { from: string; to: string; reason: string; sure: boolean }

/** What is missing or wrong, by the order of the fields. */
function fault(f: Form): Wrong | null {
  const from = fromInput(f.from);
  const to = fromInput(f.to);
  if (from === null) return { field: 'from', text: t('forgotten.timeMissing') };
  if (to === null) return { field: 'to', text: t('forgotten.timeMissing') };
  if (from >= to) return { field: 'to', text: t('forgotten.order') };
  if (!f.reason.trim()) return { field: 'reason', text: t('forgotten.reasonMissing') };
  return f.sure ? null : { field: 'sure', text: t('forgotten.sureMissing') };
}

export default function ForgetDialog({ device, onClose }: { device: Device; onClose: () => void }) {
  const { f, action, send, change, bad } = useForm<Form>({ from: '', to: toInput(startOf('day', serverNow())), reason: '', sure: false });
  const iso = (text: string): string => new Date(fromInput(text)!).toISOString();
  const forget = (): Promise<Forgotten> => post<Forgotten>(`/devices/${device.id}/forget`, { from: iso(f.from), to: iso(f.to), reason: f.reason.trim() });
  return (
    <Dialog title={t('forgotten.title', { name: device.name })} onClose={onClose}>
      <form class="form" onSubmit={send(fault(f), forget, () => go('/settings/forgotten'))} noValidate>
        <p>{t('forgotten.text')}</p>
        <div class="form-grid">
          <TextField type="datetime-local" label={t('forgotten.from')} value={f.from} onChange={(from) => change({ from })} error={bad('from')} required autofocus />
          <TextField type="datetime-local" label={t('forgotten.to')} hint={t('forgotten.toHint')} value={f.to} onChange={(to) => change({ to })} error={bad('to')} required />
        </div>
        <TextField label={t('forgotten.reason')} hint={t('forgotten.reasonHint')} value={f.reason} onChange={(reason) => change({ reason })} error={bad('reason')} maxLength={199} autocomplete="off" required />
        <CheckField label={t('forgotten.sure')} hint={t('forgotten.sureHint')} checked={f.sure} onChange={(sure) => change({ sure })} />
        <FieldError text={bad('sure')} />
        <ActionError error={action.error} />
        <div class="dialog-actions">
          <button type="button" class="btn" onClick={onClose}>{t('action.cancel')}</button>
          <button type="submit" class="btn btn-danger" disabled={action.busy}>{t('forgotten.action')}</button>
        </div>
      </form>
    </Dialog>
  );
}
