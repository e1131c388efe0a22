// Forms of a dialog whose refusals stand at their fields.
import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { t } from '../model/i18n';
import { useAction } from '../live/resource';
import { toast } from './toast';

export interface Wrong { field: string; text: string }

/** A form whose refusals stand at their fields: those found here, and those the server names. */
export function useForm<T extends object>(first: T) {
  const [f, set] = useState(first);
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const action = useAction();
  const send = (found: Wrong | null, save: () => Promise<unknown>, done: () => void) => (e: Event): void => {
    e.preventDefault();
    setWrong(found);
    if (found) return;
    void action.run(async () => {
      try { await save(); } catch (x) {
        if (x instanceof ApiError && x.field && x.field in f) { setWrong({ field: x.field, text: x.detail }); return; }
        throw x;
      }
      toast(t('action.saved'));
      done();
    });
  };
  return { f, action, send, change: (part: Partial<T>): void => { set({ ...f, ...part }); setWrong(null); }, bad: (k: keyof T): string | null => (wrong?.field === k ? wrong.text : null) };
}

export function FormButtons({ busy, onClose }: { busy: boolean; onClose: () => void }) {
  return <div class="dialog-actions"><button type="button" class="btn" onClick={onClose}>{t('action.cancel')}</button><button type="submit" class="btn btn-primary" disabled={busy}>{t('action.save')}</button></div>;
}
