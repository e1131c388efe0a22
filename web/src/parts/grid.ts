// The table for long lists: a fixed pool of rows recycled while scrolling, data fetched in windows
// of 200, one tab stop, keys as in the manual. No framework code runs while scrolling.
import { textScale } from '../live/prefs';

/** Sizes are px at the usual font size; they grow with it. */
export interface GridColumn<T> {
  key: string;
  title: string;
  width: number;
  /** Takes so many shares of the rest of the width; at least `width`. */
  grow?: number;
  /** Numbers: never cut, the column grows with the widest one that was drawn. */
  right?: boolean;
  /** Figures of one width, for times. */
  even?: boolean;
  sortable?: boolean;
  /** Fills the cell; called for every recycled row, so it must set everything it sets anywhere. */
  draw: (cell: HTMLElement, row: T) => void;
}

export interface GridWindow<T> { total: number; items: T[] }

export interface GridOptions<T> {
  label: string;
  columns: GridColumn<T>[];
  rowHeight: number;
  /** Fetches rows [offset, offset+limit). */
  fetch: (offset: number, limit: number) => Promise<GridWindow<T>>;
  id: (row: T) => number;
  /** Fills a two-line row on narrow screens. */
  drawNarrow?: (cell: HTMLElement, row: T) => void;
  narrow?: boolean;
  selectable?: boolean;
  selectLabel?: string;
  sort?: { key: string; down: boolean };
  onSort?: (key: string) => void;
  onOpen?: (row: T) => void;
  /** `column` is the key of the cell that was clicked; by keyboard and on narrow screens there is none. */
  onPeek?: (row: T, column?: string) => void;
  onSelection?: (rows: T[]) => void;
  onTotal?: (total: number) => void;
  onError?: (error: unknown) => void;
  onCursor?: (index: number, row: T | undefined) => void;
  retryText?: string;
  failedText?: string;
}

const WINDOW = 200;
// No digit of the font is wider, at the usual size, and every column has room for some: measured is the rest.
const DIGIT = 9;
const FEW_DIGITS = 7;
// Windows kept in memory: enough for going back and forth, however long the list is.
const MAX_WINDOWS = 16;
const NARROW_ROW = 60;
const rem = (px: number): string => `${px / 16}rem`;
// Browsers stop laying out near 33 million pixels; what lies beyond is reached by filtering.
const MAX_HEIGHT = 30_000_000;

interface PoolRow { el: HTMLElement; cells: HTMLElement[]; check: HTMLInputElement | null; index: number; drawn: unknown; failed: boolean }

export class Grid<T> {
  private readonly scroller: HTMLElement;
  private readonly head: HTMLElement;
  private readonly body: HTMLElement;
  private pool: PoolRow[] = [];
  private pages = new Map<number, T[] | 'loading' | 'failed'>();
  private total = -1;
  private cursor = -1;
  private frame = 0;
  private generation = 0;
  private readonly scale = textScale();
  private readonly resize: ResizeObserver;
  /** Columns of numbers that had to grow, and cells drawn since that may not fit. */
  private readonly grown = new Map<string, number>();
  private doubtful: { key: string; cell: HTMLElement }[] = [];
  /** Selected rows by id, as they were when they were selected. */
  readonly selection = new Map<number, T>();

  constructor(host: HTMLElement, private o: GridOptions<T>) {
    this.scroller = document.createElement('div');
    this.scroller.className = 'grid';
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute('role', 'grid');
    this.scroller.setAttribute('aria-label', o.label);
    this.head = document.createElement('div');
    this.head.className = 'grid-head';
    this.head.setAttribute('role', 'row');
    this.head.setAttribute('aria-rowindex', '1');
    this.body = document.createElement('div');
    this.body.className = 'grid-body';
    this.body.setAttribute('role', 'rowgroup');
    const headGroup = document.createElement('div');
    headGroup.setAttribute('role', 'rowgroup');
    headGroup.className = 'grid-headgroup';
    headGroup.append(this.head);
    this.scroller.append(headGroup, this.body);
    host.append(this.scroller);
    this.scroller.addEventListener('scroll', () => this.schedule(), { passive: true });
    this.scroller.addEventListener('keydown', (e) => this.onKey(e));
    this.body.addEventListener('click', (e) => this.onClick(e));
    this.body.addEventListener('dblclick', (e) => { const r = this.rowAt(e); if (r) this.o.onOpen?.(r); });
    this.resize = new ResizeObserver(() => this.schedule());
    this.resize.observe(this.scroller);
    this.layout();
  }

  destroy(): void {
    this.generation++;
    this.resize.disconnect();
    cancelAnimationFrame(this.frame);
    this.scroller.remove();
  }

  get element(): HTMLElement { return this.scroller; }
  get rowHeight(): number { return Math.round((this.o.narrow ? NARROW_ROW : this.o.rowHeight) * this.scale); }
  get count(): number { return Math.max(0, Math.min(this.total, Math.floor(MAX_HEIGHT / this.rowHeight))); }

  /** New columns, sort, height or texts; the data stay. */
  configure(change: Partial<GridOptions<T>>): void {
    this.o = { ...this.o, ...change };
    this.layout();
  }

  /** Forgets the data (filter or sort changed). Old rows stay in place until new ones arrive. */
  reset(toTop = true): void {
    this.generation++;
    const old = this.pages;
    this.pages = new Map();
    if (toTop) { this.scroller.scrollTop = 0; this.cursor = -1; }
    const first = toTop ? 0 : Math.floor(this.scroller.scrollTop / this.rowHeight / WINDOW);
    const keep = old.get(first);
    const gen = this.generation;
    this.scroller.classList.add('grid-stale');
    void this.load(first, Array.isArray(keep) ? keep : undefined).then(() => {
      if (gen === this.generation) this.scroller.classList.remove('grid-stale');
    });
  }

  /** Fetches what is on screen again, without flicker. */
  refresh(): void {
    const visible = this.visiblePages();
    for (const key of [...this.pages.keys()]) if (!visible.includes(key)) this.pages.delete(key);
    for (const page of visible) {
      const keep = this.pages.get(page);
      void this.load(page, Array.isArray(keep) ? keep : undefined);
    }
  }

  /** Changes loaded rows in place (live events). */
  update(id: number, change: (row: T) => T): void {
    for (const rows of this.pages.values()) {
      if (!Array.isArray(rows)) continue;
      const i = rows.findIndex((r) => this.o.id(r) === id);
      if (i >= 0) { rows[i] = change(rows[i]!); this.schedule(); return; }
    }
  }

  row(index: number): T | undefined {
    const page = this.pages.get(Math.floor(index / WINDOW));
    return Array.isArray(page) ? page[index % WINDOW] : undefined;
  }

  get cursorIndex(): number { return this.cursor; }

  /** Moves the cursor and brings it into view. */
  moveTo(index: number, focus = false): void {
    if (this.total <= 0) return;
    this.cursor = Math.max(0, Math.min(this.count - 1, index));
    const headHeight = this.head.offsetHeight;
    const top = this.cursor * this.rowHeight;
    const view = this.scroller.clientHeight - headHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + this.rowHeight > this.scroller.scrollTop + view) this.scroller.scrollTop = top + this.rowHeight - view;
    if (focus) this.scroller.focus({ preventScroll: true });
    this.draw();
    this.o.onCursor?.(this.cursor, this.row(this.cursor));
  }

  clearSelection(): void { this.selection.clear(); this.draw(); this.o.onSelection?.([...this.selection.values()]); }

  private layout(): void {
    const { o } = this;
    this.scroller.classList.toggle('grid-narrow', !!o.narrow);
    this.scroller.style.setProperty('--grid-row', `${this.rowHeight}px`);
    this.shareWidth();
    this.scroller.setAttribute('aria-colcount', String(o.columns.length + (o.selectable ? 1 : 0)));
    this.head.replaceChildren();
    if (o.selectable) {
      const th = this.headCell('grid-check');
      const all = document.createElement('input');
      all.type = 'checkbox';
      all.tabIndex = -1;
      all.setAttribute('aria-label', o.selectLabel ?? '');
      all.addEventListener('change', () => this.selectLoaded(all.checked));
      th.append(all);
      this.head.append(th);
    }
    for (const c of o.columns) this.head.append(this.headerOf(c));
    this.pool.forEach((r) => r.el.remove());
    this.pool = [];
    this.draw();
  }

  private widthOf(c: GridColumn<T>): number { return Math.max(c.width, this.grown.get(c.key) ?? 0); }

  private shareWidth(): void {
    const { o } = this;
    const tracks = o.columns.map((c) => (c.grow ? `minmax(${rem(c.width)}, ${c.grow}fr)` : rem(this.widthOf(c))));
    if (o.selectable) tracks.unshift(rem(36));
    this.scroller.style.setProperty('--grid-cols', tracks.join(' '));
    const least = o.columns.reduce((sum, c) => sum + this.widthOf(c), o.selectable ? 36 : 0);
    this.scroller.style.setProperty('--grid-min', o.narrow ? '0px' : rem(least));
  }

  /** Makes room for numbers that were drawn and do not fit. */
  private fitNumbers(): void {
    const cut = this.doubtful.filter(({ cell }) => cell.scrollWidth > cell.clientWidth);
    this.doubtful = [];
    for (const { key, cell } of cut) this.grown.set(key, Math.max(this.grown.get(key) ?? 0, Math.ceil(cell.scrollWidth / this.scale) + 1));
    if (cut.length > 0) this.shareWidth();
  }

  private headCell(cls: string): HTMLElement {
    const th = document.createElement('div');
    th.setAttribute('role', 'columnheader');
    th.className = cls;
    return th;
  }

  private headerOf(c: GridColumn<T>): HTMLElement {
    const th = this.headCell(c.right ? 'grid-cell grid-right' : 'grid-cell');
    const sorted = this.o.sort?.key === c.key;
    if (c.sortable && this.o.onSort) {
      const b = document.createElement('button');
      b.type = 'button';
      b.tabIndex = -1;
      b.className = 'grid-sort';
      b.textContent = c.title;
      b.addEventListener('click', () => this.o.onSort!(c.key));
      if (sorted) b.dataset['dir'] = this.o.sort!.down ? 'down' : 'up';
      th.append(b);
      th.setAttribute('aria-sort', sorted ? (this.o.sort!.down ? 'descending' : 'ascending') : 'none');
    } else {
      th.textContent = c.title;
    }
    return th;
  }

  private makeRow(): PoolRow {
    const el = document.createElement('div');
    el.className = 'grid-row';
    el.setAttribute('role', 'row');
    const cells: HTMLElement[] = [];
    let check: HTMLInputElement | null = null;
    if (this.o.selectable && !this.o.narrow) {
      const td = document.createElement('div');
      td.className = 'grid-check';
      td.setAttribute('role', 'gridcell');
      check = document.createElement('input');
      check.type = 'checkbox';
      check.tabIndex = -1;
      check.setAttribute('aria-label', this.o.selectLabel ?? '');
      td.append(check);
      el.append(td);
    }
    const n = this.o.narrow ? 1 : this.o.columns.length;
    for (let i = 0; i < n; i++) {
      const td = document.createElement('div');
      const c = this.o.columns[i]!;
      td.className = 'grid-cell' + (this.o.narrow ? '' : (c.right ? ' grid-right' : '') + (c.even ? ' tnum' : ''));
      td.setAttribute('role', 'gridcell');
      cells.push(td);
      el.append(td);
    }
    this.body.append(el);
    return { el, cells, check, index: -1, drawn: null, failed: false };
  }

  private schedule(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
  }

  private visibleRange(): [number, number] {
    const h = this.rowHeight;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / h) - 4);
    const last = Math.min(this.count - 1, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / h) + 4);
    return [first, last];
  }
  private visiblePages(): number[] {
    const [first, last] = this.visibleRange();
    const out: number[] = [];
    for (let p = Math.floor(first / WINDOW); p <= Math.floor(Math.max(first, last) / WINDOW); p++) out.push(p);
    return out;
  }

  private async load(page: number, keep?: T[]): Promise<void> {
    const gen = this.generation;
    this.pages.set(page, keep ?? 'loading');
    try {
      const w = await this.o.fetch(page * WINDOW, WINDOW);
      if (gen !== this.generation) return;
      this.pages.set(page, w.items);
      // An open list grows page by page; an answer for an early page must not cut off later ones.
      if (w.total !== this.total && !(w.total < this.total && page * WINDOW + w.items.length < w.total)) {
        this.total = w.total;
        this.scroller.setAttribute('aria-rowcount', String(w.total + 1));
        this.o.onTotal?.(w.total);
        if (this.cursor >= w.total) this.cursor = w.total - 1;
      }
    } catch (e) {
      if (gen !== this.generation) return;
      if (!keep) this.pages.set(page, 'failed');
      this.o.onError?.(e);
    }
    this.forget(page);
    this.draw();
  }

  /** Lets go of the windows farthest from `page`. */
  private forget(page: number): void {
    const far = [...this.pages.keys()].sort((a, b) => Math.abs(b - page) - Math.abs(a - page));
    for (const key of far.slice(0, Math.max(0, far.length - MAX_WINDOWS))) this.pages.delete(key);
  }

  private draw(): void {
    this.body.style.height = `${this.count * this.rowHeight}px`;
    const [first, last] = this.visibleRange();
    const need = Math.max(0, last - first + 1);
    while (this.pool.length < need) this.pool.push(this.makeRow());
    for (const page of this.count ? this.visiblePages() : []) if (!this.pages.has(page)) void this.load(page);
    // Row i always lives in slot i mod pool size: while scrolling only new rows are written.
    const size = this.pool.length;
    const used = new Set<number>();
    for (let i = first; i <= last; i++) { this.fill(this.pool[i % size]!, i); used.add(i % size); }
    this.pool.forEach((r, slot) => { if (!used.has(slot)) { r.el.hidden = true; r.index = -1; r.drawn = null; } });
    if (this.doubtful.length > 0) this.fitNumbers();
  }

  private fill(slot: PoolRow, index: number): void {
    const { el } = slot;
    const page = this.pages.get(Math.floor(index / WINDOW));
    const row = Array.isArray(page) ? page[index % WINDOW] : undefined;
    if (slot.index !== index) {
      slot.index = index;
      slot.drawn = null;
      el.hidden = false;
      el.style.transform = `translateY(${index * this.rowHeight}px)`;
      el.setAttribute('aria-rowindex', String(index + 2));
    }
    el.classList.toggle('is-cursor', index === this.cursor);
    if (index === this.cursor) {
      el.id = 'grid-cursor';
      this.scroller.setAttribute('aria-activedescendant', 'grid-cursor');
    } else if (el.id) el.id = '';
    if (row === undefined) { this.fillPlaceholder(slot, page === 'failed'); return; }
    const selected = this.selection.has(this.o.id(row));
    el.classList.toggle('is-selected', selected);
    if (slot.check) slot.check.checked = selected;
    if (this.o.selectable) el.setAttribute('aria-selected', String(selected));
    if (slot.drawn === row && !slot.failed) return;
    slot.drawn = row;
    slot.failed = false;
    el.classList.remove('is-blank', 'is-failed');
    if (this.o.narrow && this.o.drawNarrow) this.o.drawNarrow(slot.cells[0]!, row);
    else {
      this.o.columns.forEach((c, i) => {
        const cell = slot.cells[i]!;
        c.draw(cell, row);
        const length = c.right ? cell.textContent!.length : 0;
        if (length > FEW_DIGITS && length * DIGIT + 24 > this.widthOf(c)) this.doubtful.push({ key: c.key, cell });
      });
    }
  }

  private fillPlaceholder(slot: PoolRow, failed: boolean): void {
    slot.drawn = null;
    slot.failed = failed;
    slot.el.classList.add('is-blank');
    slot.el.classList.remove('is-selected');
    slot.el.classList.toggle('is-failed', failed);
    slot.cells.forEach((c) => c.replaceChildren());
    if (!failed) return;
    const b = document.createElement('button');
    b.type = 'button';
    b.className = 'btn-link';
    b.textContent = this.o.retryText ?? '';
    b.addEventListener('click', (e) => { e.stopPropagation(); void this.load(Math.floor(slot.index / WINDOW)); });
    slot.cells[0]!.append(this.o.failedText ?? '', ' ', b);
  }

  private rowAt(e: Event): T | undefined {
    const el = (e.target as Element).closest<HTMLElement>('.grid-row');
    const slot = this.pool.find((r) => r.el === el);
    return slot && slot.index >= 0 ? this.row(slot.index) : undefined;
  }

  private onClick(e: MouseEvent): void {
    const target = e.target as Element;
    const el = target.closest<HTMLElement>('.grid-row');
    const slot = this.pool.find((r) => r.el === el);
    if (!slot || slot.index < 0) return;
    const row = this.row(slot.index);
    if (!row) return;
    if (target.closest('.grid-check')) {
      this.toggle(slot.index, e.shiftKey);
      return;
    }
    if (target.closest('a, button')) return;
    this.moveTo(slot.index);
    if (this.o.narrow && !this.o.onPeek) this.o.onOpen?.(row); else this.o.onPeek?.(row, this.columnAt(slot, target));
  }

  private columnAt(slot: PoolRow, target: Element): string | undefined {
    return this.o.narrow ? undefined : this.o.columns[slot.cells.findIndex((c) => c.contains(target))]?.key ?? '';
  }

  private toggle(index: number, range: boolean): void {
    const from = range && this.cursor >= 0 ? this.cursor : index;
    const target = this.row(index);
    const on = target ? !this.selection.has(this.o.id(target)) : true;
    for (let i = Math.min(from, index); i <= Math.max(from, index); i++) {
      const row = this.row(i);
      if (!row) continue;
      if (on) this.selection.set(this.o.id(row), row); else this.selection.delete(this.o.id(row));
    }
    this.cursor = index;
    this.draw();
    this.o.onSelection?.([...this.selection.values()]);
  }

  private selectLoaded(on: boolean): void {
    for (const rows of this.pages.values()) {
      if (!Array.isArray(rows)) continue;
      for (const r of rows) if (on) this.selection.set(this.o.id(r), r); else this.selection.delete(this.o.id(r));
    }
    this.draw();
    this.o.onSelection?.([...this.selection.values()]);
  }

  private onKey(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey || (e.target !== this.scroller && !this.body.contains(e.target as Node))) return;
    const pageRows = Math.max(1, Math.floor((this.scroller.clientHeight - this.head.offsetHeight) / this.rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: this.cursor + 1, ArrowUp: Math.max(0, this.cursor - 1), PageDown: this.cursor + pageRows,
      PageUp: Math.max(0, this.cursor - pageRows), Home: 0, End: this.count - 1,
    };
    const row = this.row(this.cursor);
    if (e.key in moves) this.moveTo(moves[e.key]!);
    else if (e.key === 'Enter' && row) this.o.onOpen?.(row);
    else if (e.key === ' ' && row) this.o.onPeek?.(row);
    else if (e.key === 'x' && this.cursor >= 0 && this.o.selectable) this.toggle(this.cursor, false);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }
}
