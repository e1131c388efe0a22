// Short confirmations at the bottom; errors stay until closed.
import { signal } from '@preact/signals';
import { t } from '../model/i18n';
import closeIcon from '../icons/x.svg';
import { Icon } from './icon';

interface Toast { id: number; text: string; error: boolean; action?: { label: string; run: () => void } }
const toasts = signal<Toast[]>([]);
let next = 1;

export function dismiss(id: number): void { toasts.value = toasts.value.filter((x) => x.id !== id); }

export function toast(text: string, o: { error?: boolean; action?: Toast['action'] } = {}): void {
  const item: Toast = { id: next++, text, error: o.error ?? false, ...(o.action ? { action: o.action } : {}) };
  toasts.value = [...toasts.value.slice(-2), item];
  if (!item.error) setTimeout(() => dismiss(item.id), item.action ? 10_000 : 5000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((x) => (
        <div key={x.id} class={x.error ? 'toast toast-error' : 'toast'}>
          <span>{x.text}</span>
          {x.action && <button type="button" class="btn btn-quiet" onClick={() => { x.action!.run(); dismiss(x.id); }}>{x.action.label}</button>}
          <button type="button" class="btn-icon" aria-label={t('action.close')} onClick={() => dismiss(x.id)}><Icon svg={closeIcon} /></button>
        </div>
      ))}
    </div>
  );
}
