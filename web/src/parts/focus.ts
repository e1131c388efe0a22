// Where the focus goes when something closes that had it.

/** Remembers who has the focus; the answer gives it back, or to the page's start when that element is gone. */
export function keepFocus(): () => void {
  const before = document.activeElement as HTMLElement | null;
  return () => {
    if (before?.isConnected && before !== document.body) before.focus();
    if (document.activeElement === document.body || !document.activeElement) document.getElementById('main')?.focus({ preventScroll: true });
  };
}
