// Mounts a Grid in a component; the grid itself knows nothing of the framework.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../model/i18n';
import { density, phone } from '../live/prefs';
import { resync } from '../live/session';
import { Grid, type GridOptions } from './grid';

type Props<T> = Omit<GridOptions<T>, 'rowHeight' | 'narrow' | 'retryText' | 'failedText'> & {
  /** Data are fetched anew, from the top, when this changes. */
  dataKey: string;
  api?: (grid: Grid<T> | null) => void;
  rowHeight?: number;
};

export function GridView<T>(props: Props<T>) {
  const host = useRef<HTMLDivElement>(null);
  const grid = useRef<Grid<T> | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const narrow = phone.value && !!props.drawNarrow;
  const coarse = matchMedia('(pointer: coarse)').matches;
  const rowHeight = props.rowHeight ?? (coarse ? 44 : density.value === 'compact' ? 28 : 32);

  // With the first picture, not after it: a table that is on screen is known to be waiting for its rows.
  useLayoutEffect(() => {
    // Callbacks go through `latest`, so that the grid never holds those of an old render.
    const p = (): Props<T> => latest.current;
    const g = new Grid<T>(host.current!, {
      ...props, rowHeight, narrow, retryText: t('action.retry'), failedText: t('grid.failed'),
      fetch: (offset, limit) => p().fetch(offset, limit),
      onSort: (key) => p().onSort?.(key),
      onOpen: (row) => p().onOpen?.(row),
      ...(props.onPeek ? { onPeek: (row: T, column?: string) => p().onPeek?.(row, column) } : {}),
      onSelection: (rows) => p().onSelection?.(rows),
      onTotal: (n) => p().onTotal?.(n),
      onError: (e) => p().onError?.(e),
      onCursor: (i, row) => p().onCursor?.(i, row),
    });
    if (!props.onSort) g.configure({ onSort: undefined as never });
    grid.current = g;
    props.api?.(g);
    return () => { props.api?.(null); g.destroy(); grid.current = null; };
  }, []);

  const columns = props.columns.map((c) => `${c.key}:${c.width}:${c.title}`).join('|');
  useLayoutEffect(() => {
    grid.current?.configure({ columns: props.columns, narrow, rowHeight, selectable: props.selectable ?? false, ...(props.sort ? { sort: props.sort } : {}) });
  }, [columns, narrow, rowHeight, props.sort?.key, props.sort?.down, props.selectable]);
  useLayoutEffect(() => { grid.current?.reset(); }, [props.dataKey]);
  // After a lost connection or missed events: the same rows again, where the reader is.
  const bump = resync.value;
  const seen = useRef(bump);
  useLayoutEffect(() => {
    if (seen.current !== bump) grid.current?.refresh();
    seen.current = bump;
  }, [bump]);

  return <div class="grid-host" ref={host} />;
}

/** Length of a list whose end the server does not tell: one more row while pages come full. */
export const openTotal = (r: { total?: number; items: unknown[] }, offset: number, limit: number): number =>
  r.total ?? offset + r.items.length + (r.items.length === limit ? 1 : 0);

/** Sets a cell to a link; the row is the tab stop, so it is none. */
export function linkCell(cell: HTMLElement, text: string, href: string): void {
  const a = document.createElement('a');
  a.href = href;
  a.tabIndex = -1;
  a.textContent = text;
  cell.replaceChildren(a);
  if (text.length > 18) cell.title = text; else cell.removeAttribute('title');
}

/** Sets a cell to plain text; the title shows what does not fit. */
export function textCell(cell: HTMLElement, text: string): void {
  const only = cell.firstChild;
  if (only && !only.nextSibling && only.nodeType === Node.TEXT_NODE) { if (only.nodeValue !== text) only.nodeValue = text; }
  else cell.textContent = text;
  if (text.length > 18) cell.title = text; else if (cell.title) cell.removeAttribute('title');
}
