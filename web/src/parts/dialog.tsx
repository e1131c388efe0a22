// Modal dialogs on the native element: focus trap, Escape and return of focus come with it.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../model/i18n';
import closeIcon from '../icons/x.svg';
import { keepFocus } from './focus';
import { Icon } from './icon';

export function Dialog({ title, onClose, wide = false, closable = true, children }: {
  title: string; onClose: () => void; wide?: boolean; closable?: boolean; children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const onClosed = useRef(onClose);
  onClosed.current = onClose;
  // With the first picture: a dialog that is seen takes the keys.
  useLayoutEffect(() => {
    const el = ref.current!;
    const restore = keepFocus();
    // Browsers let a page refuse one Escape, not two in a row: the second closes the dialog unasked.
    const closed = (): void => { if (closable) onClosed.current(); else el.showModal(); };
    el.addEventListener('close', closed);
    el.showModal();
    // Not the close button, where the browser would put it: what the dialog is about.
    el.querySelector<HTMLElement>('[data-autofocus], .dialog-body :is(input, select, textarea, button)')?.focus();
    return () => { el.removeEventListener('close', closed); el.close(); restore(); };
  }, []);
  return (
    <dialog ref={ref} class={wide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby={id}
      onCancel={(e) => { e.preventDefault(); if (closable) onClose(); }}>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        {closable && <button type="button" class="btn-icon" aria-label={t('action.close')} onClick={onClose}><Icon svg={closeIcon} size={18} /></button>}
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** For the irreversible only. */
export function Confirm({ title, text, action, danger = false, busy = false, error, onConfirm, onClose }: {
  title: string; text: string; action: string; danger?: boolean; busy?: boolean; error?: ComponentChildren;
  onConfirm: () => void; onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {error}
      <div class="dialog-actions">
        <button type="button" class="btn" data-autofocus onClick={onClose}>{t('action.cancel')}</button>
        <button type="button" class={danger ? 'btn btn-danger' : 'btn btn-primary'} disabled={busy} onClick={onConfirm}>{action}</button>
      </div>
    </Dialog>
  );
}
