// A button with a panel below it: menus, filter lists, column choosers. Escape and a click outside close it.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export function Menu({ label, title, children, class: cls = 'btn', align = 'left' }: {
  label: ComponentChildren; title?: string; class?: string; align?: 'left' | 'right';
  children: (close: () => void) => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (refocus = true): void => { setOpen(false); if (refocus) button.current?.focus(); };

  useLayoutEffect(() => {
    if (!open) return undefined;
    const outside = (e: Event): void => { if (!box.current?.contains(e.target as Node)) setOpen(false); };
    addEventListener('pointerdown', outside);
    addEventListener('focusin', outside);
    panel.current?.querySelector<HTMLElement>('input, button, a, select')?.focus();
    // A panel at the right edge of a narrow window opens to the left instead of off the screen.
    const el = panel.current!;
    el.classList.remove('menu-flip');
    const r = el.getBoundingClientRect();
    if (r.right > innerWidth - 4) el.classList.add('menu-flip');
    const over = el.getBoundingClientRect();
    if (over.left < 4) el.style.marginRight = `${over.left - 8}px`;
    return () => { removeEventListener('pointerdown', outside); removeEventListener('focusin', outside); };
  }, [open]);

  const onKey = (e: KeyboardEvent): void => {
    if (!open) return;
    if (e.key === 'Escape') { e.stopPropagation(); e.preventDefault(); close(); return; }
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    const items = [...panel.current!.querySelectorAll<HTMLElement>('button, a, input')];
    const i = items.indexOf(document.activeElement as HTMLElement);
    if ((document.activeElement as HTMLInputElement)?.type === 'text' && e.key === 'ArrowUp') return;
    e.preventDefault();
    items[(i + (e.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length]?.focus();
  };

  return (
    <div class="menu-box" ref={box} onKeyDown={onKey}>
      <button type="button" ref={button} class={cls} title={title} aria-label={typeof label === 'string' ? undefined : title}
        aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}>{label}</button>
      {open && <div id={id} ref={panel} class={align === 'right' ? 'menu menu-right' : 'menu'}>{children(() => close())}</div>}
    </div>
  );
}
