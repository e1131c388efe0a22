// Mouse, pen and fingers on the chart: one pointer points or selects a period, two fingers zoom.

export interface Gestures {
  /** Time at `x` pixels from the left edge of the drawing area. */
  timeAt: (x: number) => number;
  hover: (x: number | null) => void;
  /** While a period is being selected; null when that ends. */
  selecting: (a: number | null, b: number) => void;
  /** While two fingers move: draw this period, ask for nothing. */
  preview: (from: number, to: number) => void;
  zoom: (from: number, to: number) => void;
}

/** Shorter drags are clicks. */
const MIN_DRAG = 6;

export function gestures(area: HTMLElement, g: Gestures): () => void {
  const at = new Map<number, number>();
  let start: number | null = null;
  let held: { a: number; b: number } | null = null;
  let pinched: [number, number] | null = null;
  const xOf = (e: PointerEvent): number => e.clientX - area.getBoundingClientRect().left;

  /** Both fingers keep the times they took hold of. */
  const solve = (): [number, number] | null => {
    const [x1, x2] = [...at.values()];
    if (!held || x1 === undefined || x2 === undefined || x1 === x2) return null;
    const perPixel = (held.b - held.a) / (x2 - x1);
    const from = held.a - x1 * perPixel;
    return perPixel > 0 ? [from, from + area.clientWidth * perPixel] : null;
  };

  const down = (e: PointerEvent): void => {
    if (e.button !== 0) return;
    area.setPointerCapture(e.pointerId);
    at.set(e.pointerId, xOf(e));
    if (at.size === 2) {
      const [x1, x2] = [...at.values()];
      start = null;
      g.selecting(null, 0);
      held = { a: g.timeAt(x1!), b: g.timeAt(x2!) };
    } else if (e.pointerType !== 'touch') start = xOf(e);
    g.hover(xOf(e));
  };
  const move = (e: PointerEvent): void => {
    const x = xOf(e);
    if (at.has(e.pointerId)) at.set(e.pointerId, x);
    if (held) {
      pinched = solve() ?? pinched;
      if (pinched) g.preview(...pinched);
      return;
    }
    if (start !== null && Math.abs(x - start) >= MIN_DRAG) g.selecting(start, x);
    g.hover(Math.max(0, Math.min(area.clientWidth, x)));
  };
  const up = (e: PointerEvent): void => {
    const x = Math.max(0, Math.min(area.clientWidth, xOf(e)));
    const whole = e.type === 'pointerup';
    at.delete(e.pointerId);
    if (held && at.size < 2) {
      if (pinched && whole) g.zoom(...pinched);
      held = null;
      pinched = null;
    }
    if (start !== null) {
      const [a, b] = [Math.min(start, x), Math.max(start, x)];
      start = null;
      g.selecting(null, 0);
      if (whole && b - a >= MIN_DRAG) g.zoom(g.timeAt(a), g.timeAt(b));
    }
  };
  const leave = (): void => { if (at.size === 0) g.hover(null); };

  const rows: [string, (e: PointerEvent) => void][] = [['pointerdown', down], ['pointermove', move], ['pointerup', up], ['pointercancel', up], ['pointerleave', leave]];
  for (const [name, handler] of rows) area.addEventListener(name, handler as EventListener);
  return () => { for (const [name, handler] of rows) area.removeEventListener(name, handler as EventListener); };
}
