// The device list: search, facets, sort, columns, selection, peek; 10,000 rows in windows of 200.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { get, post, type Query } from '../api/client';
import type { Communication, Device, DeviceList, DeviceState, Group, Line, List, Profile } from '../api/types';
import { csv } from '../model/csv';
import { t, word, type Key } from '../model/i18n';
import { decimalText, number } from '../model/numbers';
import { formatQuery, parseSort, sortText } from '../model/query';
import { scheduleWords } from '../model/schedule';
import { DEVICE_MARK } from '../model/status';
import { dateTime } from '../model/time';
import { unitText, withUnit } from '../model/units';
import { age } from '../live/clock';
import { go, query, setQuery } from '../live/router';
import { pref, setPref } from '../live/prefs';
import { useResource } from '../live/resource';
import { may } from '../live/session';
import { subscribe } from '../live/stream';
import { download } from '../parts/download';
import type { Grid, GridColumn } from '../parts/grid';
import { GridView, textCell } from '../parts/grid-view';
import { Icon } from '../parts/icon';
import { onKeys } from '../parts/keys';
import { Menu } from '../parts/menu';
import { Peek, readNow } from '../parts/peek';
import { Empty, Failed } from '../parts/states';
import { markSvg, MarkIcon } from '../parts/status';
import { toast } from '../parts/toast';
import { ApiError } from '../api/client';
import searchIcon from '../icons/search.svg';
import columnsIcon from '../icons/columns-3.svg';
import downloadIcon from '../icons/download.svg';
import plusIcon from '../icons/plus.svg';
import downIcon from '../icons/chevron-down.svg';
import xIcon from '../icons/x.svg';
import readIcon from '../icons/refresh-cw.svg';
import layersIcon from '../icons/layers.svg';

type Column = GridColumn<Device> & { text: (d: Device) => string };
type Filter = 'state' | 'kind' | 'line' | 'group' | 'profile';
const FILTERS: Filter[] = ['state', 'kind', 'line', 'group', 'profile'];
const STATES: DeviceState[] = ['ok', 'stale', 'failing', 'never', 'disabled'];

const textColumn = (key: string, title: Key, width: number, text: (d: Device) => string, more: Partial<Column> = {}): Column =>
  ({ key, title: t(title), width, sortable: true, text, draw: (cell, d) => textCell(cell, text(d)), ...more });

// Cells are drawn hundreds of times a second while scrolling: what is there already is written over, not replaced.
function drawMark(cell: HTMLElement, mark: Parameters<typeof markSvg>[0], text: string): void {
  if (!cell.firstElementChild?.classList.contains(`status-${mark}`)) {
    cell.innerHTML = `<span class="status status-${mark}">${markSvg(mark)}<span class="status-word"></span></span>`;
  }
  cell.querySelector('.status-word')!.textContent = text;
}

function drawName(cell: HTMLElement, d: Device): void {
  let a = cell.firstElementChild as HTMLAnchorElement | null;
  if (!a) {
    a = document.createElement('a');
    a.tabIndex = -1;
    cell.replaceChildren(a);
  }
  a.href = `/devices/${d.id}`;
  a.textContent = a.title = d.name;
}

const headline = (d: Device): string => (d.headline ? withUnit(decimalText(d.headline.text), d.headline.unit) : '');
function drawHeadline(cell: HTMLElement, d: Device): void {
  cell.classList.toggle('old', !!d.headline && d.state !== 'ok');
  if (!d.headline) { textCell(cell, ''); return; }
  if (!cell.firstElementChild) {
    const unit = document.createElement('span');
    unit.className = 'unit';
    cell.replaceChildren('', unit);
  }
  cell.firstChild!.nodeValue = decimalText(d.headline.text);
  cell.lastChild!.textContent = unitText(d.headline.unit);
}

function allColumns(): Column[] {
  return [
    { key: 'state', title: t('col.state'), width: 118, sortable: true, text: (d) => word('state', d.state), draw: (c, d) => drawMark(c, DEVICE_MARK[d.state], word('state', d.state)) },
    { key: 'name', title: t('col.name'), width: 212, grow: 3, sortable: true, text: (d) => d.name, draw: drawName },
    textColumn('kind', 'col.kind', 150, (d) => word('kind', d.kind)),
    textColumn('serial', 'col.serial', 96, (d) => d.serial),
    textColumn('manufacturer', 'col.manufacturer', 92, (d) => d.manufacturer),
    textColumn('profile', 'col.profile', 200, (d) => d.profile_title || d.profile),
    textColumn('address', 'col.address', 140, (d) => d.address, { grow: 2 }),
    textColumn('city', 'deviceForm.city', 120, (d) => d.city, { sortable: false }),
    textColumn('line', 'col.line', 112, (d) => d.line_name),
    textColumn('bus_address', 'col.busAddress', 96, (d) => busAddress(d), { right: true, sortable: false }),
    { key: 'headline', title: t('col.value'), width: 140, right: true, text: headline, draw: drawHeadline },
    textColumn('last_reading', 'col.age', 70, (d) => age(d.last_reading) || '–', { right: true }),
    { key: 'info', title: t('col.info'), width: 94, text: (d) => infoWord(d), draw: (c, d) => (d.info_severity && d.info_severity !== 'normal' ? drawMark(c, d.info_severity, infoWord(d)) : textCell(c, '')) },
    textColumn('schedule', 'col.schedule', 120, (d) => scheduleWords(d.schedule), { sortable: false }),
    textColumn('last_error', 'col.lastError', 240, (d) => d.last_error, { sortable: false }),
    textColumn('medium', 'col.medium', 120, (d) => word('medium', d.medium_text), { sortable: false }),
    textColumn('created', 'col.created', 130, (d) => dateTime(d.created), { sortable: false }),
  ];
}
const DEFAULT_COLUMNS = ['state', 'name', 'kind', 'serial', 'address', 'line', 'headline', 'last_reading', 'info'];
const infoWord = (d: Device): string => (d.info_severity && d.info_severity !== 'normal' ? word('severity', d.info_severity) : '');
// Every device has a unit; it means something to those of Modbus alone, which have no medium.
const busAddress = (d: Device): string => (d.secondary ? d.serial : String(d.primary_address ?? (d.medium === null ? d.unit_id : '') ?? ''));

function drawNarrow(cell: HTMLElement, d: Device): void {
  cell.innerHTML = '<div class="two"><span></span><span></span><span></span><span></span></div>';
  const [a, b, c, e] = [...cell.firstElementChild!.children] as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  a.innerHTML = `${markSvg(DEVICE_MARK[d.state])} <span class="sr"></span> `;
  a.querySelector('.sr')!.textContent = word('state', d.state);
  a.append(d.name);
  b.textContent = headline(d);
  c.textContent = [d.serial, d.address || d.line_name].filter(Boolean).join(' · ');
  e.textContent = age(d.last_reading) || word('state', d.state);
}

function filterQuery(): Query {
  const q = query.value;
  return Object.fromEntries(['search', ...FILTERS, 'sort'].map((k) => [k, q[k]]).filter(([, v]) => v)) as Query;
}

function FacetMenu({ name, options }: { name: Filter; options: { value: string; text: string; count?: number | undefined }[] }) {
  const [find, setFind] = useState('');
  const chosen = query.value[name] ?? '';
  const shown = options.filter((o) => o.text.toLowerCase().includes(find.toLowerCase()));
  return (
    <Menu label={<>{t(`filter.${name}` as Key)}<Icon svg={downIcon} size={14} /></>} class="btn">
      {(close) => (
        <>
          {options.length > 10 && <input class="input" type="text" placeholder={t('filter.find')} aria-label={t('filter.find')} value={find} onInput={(e) => setFind(e.currentTarget.value)} />}
          {shown.map((o) => (
            <button key={o.value} type="button" class="menu-item" aria-pressed={chosen === o.value}
              onClick={() => { setQuery({ [name]: chosen === o.value ? '' : o.value }, false); close(); }}>
              {name === 'state' && <MarkIcon mark={DEVICE_MARK[o.value as DeviceState]} />}
              <span>{o.text}</span>{o.count !== undefined && <span class="count">{number(o.count)}</span>}
            </button>
          ))}
          {shown.length === 0 && <p class="menu-title">{t('filter.nothing')}</p>}
        </>
      )}
    </Menu>
  );
}

function useChoices(facets: DeviceList['facets'] | null) {
  const lines = useResource('lines', (s) => get<List<Line>>('/lines', { limit: 1000 }, s)).data?.items ?? [];
  const groups = useResource('groups', (s) => get<List<Group>>('/groups', { limit: 1000 }, s)).data?.items ?? [];
  const profiles = useResource('profiles', (s) => get<List<Profile>>('/profiles', { limit: 1000 }, s)).data?.items ?? [];
  const kinds = Object.entries(facets?.kind ?? {}).sort((a, b) => b[1] - a[1]);
  const byName: Record<Filter, { value: string; text: string; count?: number | undefined }[]> = {
    state: STATES.map((s) => ({ value: s, text: word('state', s), count: facets?.state[s] ?? 0 })),
    kind: kinds.map(([k, n]) => ({ value: k, text: word('kind', k), count: n })),
    line: lines.map((l) => ({ value: String(l.id), text: l.name, count: facets?.line[String(l.id)] ?? 0 })),
    group: groups.map((g) => ({ value: String(g.id), text: g.name, count: g.members })),
    profile: profiles.map((p) => ({ value: p.name, text: p.title })),
  };
  return { byName, groups };
}

function Chips({ choices }: { choices: ReturnType<typeof useChoices>['byName'] }) {
  const q = query.value;
  const active = FILTERS.filter((f) => q[f]);
  if (active.length === 0) return null;
  return (
    <div class="chips">
      {active.map((f) => {
        const text = choices[f].find((o) => o.value === q[f])?.text ?? q[f]!;
        return (
          <span key={f} class="chip">{t(`filter.${f}` as Key)}: <b>{text}</b>
            <button type="button" aria-label={t('filter.remove', { name: text })} onClick={() => setQuery({ [f]: '' }, false)}><Icon svg={xIcon} size={14} /></button>
          </span>
        );
      })}
      {active.length > 1 && <button type="button" class="btn-link" onClick={clearFilters}>{t('filter.clear')}</button>}
    </div>
  );
}
const clearFilters = (): void => setQuery(Object.fromEntries(['search', ...FILTERS].map((f) => [f, ''])), false);

function ColumnMenu({ columns, shown, sort }: { columns: Column[]; shown: string[]; sort: { key: string; down: boolean } }) {
  const toggle = (key: string): void => {
    const next = shown.includes(key) ? shown.filter((k) => k !== key) : columns.map((c) => c.key).filter((k) => k === key || shown.includes(k));
    setPref('device.columns', next.length ? next : DEFAULT_COLUMNS);
  };
  return (
    <Menu label={<Icon svg={columnsIcon} label={t('list.columns')} />} title={t('list.columns')} align="right">
      {() => (
        <>
          <div class="menu-title">{t('list.sortBy')}</div>
          <div class="menu-pad">
            <select aria-label={t('list.sortBy')} value={sortText(sort)} onChange={(e) => setQuery({ sort: e.currentTarget.value })}>
              {columns.filter((c) => c.sortable).flatMap((c) => [<option key={c.key} value={c.key}>{c.title} ↑</option>, <option key={'-' + c.key} value={'-' + c.key}>{c.title} ↓</option>])}
            </select>
          </div>
          {/* A phone has no columns. */}
          <div class="menu-title phone-hide">{t('list.columns')}</div>
          {columns.map((c) => (
            <label key={c.key} class="menu-item phone-hide"><input type="checkbox" checked={shown.includes(c.key)} disabled={c.key === 'name'} onChange={() => toggle(c.key)} />{c.title}</label>
          ))}
          <button type="button" class="menu-item phone-hide" onClick={() => setPref('device.columns', DEFAULT_COLUMNS)}>{t('list.columnsReset')}</button>
        </>
      )}
    </Menu>
  );
}

async function exportCsv(columns: Column[]): Promise<void> {
  const rows: Device[] = [];
  for (let offset = 0, total = 1; offset < total; offset += 1000) {
    const page = await get<DeviceList>('/devices', { ...filterQuery(), offset, limit: 1000 });
    rows.push(...page.items);
    total = page.total;
  }
  const value = (c: Column, d: Device): string => (c.key === 'last_reading' ? dateTime(d.last_reading, true) : c.key === 'headline' ? (d.headline ? `${d.headline.text} ${d.headline.unit}` : '') : c.text(d));
  download('devices.csv', csv(columns.map((c) => (c.key === 'last_reading' ? t('col.lastReading') : c.title)), rows.map((d) => columns.map((c) => value(c, d)))));
}

function Bulk({ rows, groups, clear, done }: { rows: Device[]; groups: Group[]; clear: () => void; done: () => void }) {
  if (rows.length === 0) return null;
  const ids = rows.map((d) => d.id);
  const addTo = async (g: Group, close: () => void): Promise<void> => {
    close();
    try {
      await post(`/groups/${g.id}/members`, { add: ids });
      toast(t('group.added', { n: ids.length, name: g.name }));
      done();
    } catch (e) { toast(e instanceof ApiError ? e.detail : String(e), { error: true }); }
  };
  return (
    <div class="bulk" role="region" aria-label={t('list.selection')}>
      <b>{t('list.selected', { n: ids.length })}</b>
      {may('job.run') && rows.some((d) => d.polled) && <button type="button" class="btn" onClick={() => void readNow(rows)}><Icon svg={readIcon} />{t('read.now')}</button>}
      <a class="btn" href={`/consumption${formatQuery({ devices: ids.slice(0, 1000).join(',') })}`}>{t('nav.consumption')}</a>
      <a class="btn" href={`/chart${formatQuery({ devices: ids.slice(0, 12).join(',') })}`}>{t('list.compare')}</a>
      {may('group.write') && groups.length > 0 && (
        <Menu label={<>{t('group.add')}<Icon svg={downIcon} size={14} /></>}>
          {(close) => groups.map((g) => <button key={g.id} type="button" class="menu-item" onClick={() => void addTo(g, close)}>{g.name}<span class="count">{number(g.members)}</span></button>)}
        </Menu>
      )}
      <button type="button" class="btn btn-quiet" onClick={clear}>{t('list.clearSelection')}</button>
    </div>
  );
}

/** States that change while one looks: rows are updated in place, values fetched again gently. */
function useLiveRows(grid: { current: Grid<Device> | null }): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => { timer ??= setTimeout(() => { timer = undefined; grid.current?.refresh(); }, 4000); };
    const stop = subscribe(['devices'], [], (e) => {
      if (e.type === 'poll') grid.current?.refresh();
      if (e.type !== 'device') return;
      const c = e.data as Partial<Communication> & { id: number };
      grid.current?.update(c.id, (d) => ({ ...d, state: c.state ?? d.state, last_reading: c.last_reading ?? d.last_reading, last_error: c.last_error ?? d.last_error }));
      soon();
    });
    return () => { stop(); clearTimeout(timer); };
  }, []);
}

export default function Devices() {
  const q = query.value;
  const grid = useRef<Grid<Device> | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(q['search'] ?? '');
  const [facets, setFacets] = useState<DeviceList['facets'] | null>(null);
  const [total, setTotal] = useState<number | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [selected, setSelected] = useState<Device[]>([]);
  const columns = allColumns();
  const shown = pref('device.columns', DEFAULT_COLUMNS).value;
  const sort = parseSort(q['sort'], 'name');
  const { byName, groups } = useChoices(facets);
  const peek = Number(q['peek'] ?? 0);
  const filters = filterQuery();
  const dataKey = JSON.stringify(filters);
  useLiveRows(grid);

  // Typing filters after a short pause; the address bar follows without a history entry per letter.
  useEffect(() => {
    if (text === (q['search'] ?? '')) return undefined;
    const timer = setTimeout(() => setQuery({ search: text }), 150);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => { setText(query.value['search'] ?? ''); }, [q['search']]);

  // Both read only what lives as long as the page: the keys below keep their first versions.
  const closePeek = (): void => { setQuery({ peek: '' }); grid.current?.element.focus(); };
  const step = (by: 1 | -1, focus: boolean): void => {
    const g = grid.current;
    if (!g) return;
    g.moveTo(g.cursorIndex + by, focus);
    const row = g.row(g.cursorIndex);
    if (row && query.peek()['peek']) setQuery({ peek: row.id });
  };

  useLayoutEffect(() => onKeys((e) => {
    if (e.key === 'f') { search.current?.focus(); return true; }
    if (e.key === 'Escape' && query.peek()['peek']) { closePeek(); return true; }
    if (e.key !== '[' && e.key !== ']') return false;
    step(e.key === ']' ? 1 : -1, true);
    return true;
  }), []);

  const fetchRows = async (offset: number, limit: number) => {
    const page = await get<DeviceList>('/devices', { ...filters, sort: sortText(sort), offset, limit });
    if (page.facets) setFacets(page.facets);
    setError(null);
    setTotal(page.total);
    return page;
  };
  const onSort = (key: string): void => setQuery({ sort: sortText({ key, down: sort.key === key && !sort.down }) });
  const filtered = FILTERS.some((f) => q[f]) || !!q['search'];

  return (
    <div class="fill">
      <div class="page-head">
        <h1>{t('nav.devices')}</h1>
        {total !== null && <span class="sub" role="status">{t(filtered ? 'list.matches' : 'list.devices', { n: total, count: number(total) })}</span>}
        <div class="page-actions">
          {may('device.write') && <a class="btn btn-primary" href="/devices/new"><Icon svg={plusIcon} />{t('add.action')}</a>}
        </div>
      </div>
      <div class="toolbar">
        <div class="search-field">
          <Icon svg={searchIcon} />
          <input ref={search} class="input" type="search" placeholder={t('list.search')} aria-label={t('list.search')} value={text}
            onInput={(e) => setText(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'ArrowDown') { e.preventDefault(); grid.current?.moveTo(0, true); } }} />
        </div>
        {FILTERS.filter((f) => byName[f].length > 0 || f === 'kind').map((f) => <div key={f} class={f === 'group' || f === 'profile' ? 'phone-hide' : ''}><FacetMenu name={f} options={byName[f]} /></div>)}
        <Chips choices={byName} />
        <span class="push" />
        <button type="button" class="btn phone-hide" title={t('list.csvTitle')} onClick={() => void exportCsv(columns.filter((c) => shown.includes(c.key))).catch((e: unknown) => toast(e instanceof ApiError ? e.detail : String(e), { error: true }))}><Icon svg={downloadIcon} />CSV</button>
        <ColumnMenu columns={columns} shown={shown} sort={sort} />
      </div>
      <Bulk rows={selected} groups={groups} clear={() => grid.current?.clearSelection()} done={() => grid.current?.refresh()} />
      <div class={`card grid-card${peek ? ' with-peek' : ''}`}>
        <GridView<Device> label={t('nav.devices')} columns={columns.filter((c) => shown.includes(c.key) || c.key === 'name')} dataKey={dataKey} fetch={fetchRows} id={(d) => d.id}
          drawNarrow={drawNarrow} selectable selectLabel={t('list.select')} sort={sort} onSort={onSort} onTotal={setTotal}
          onOpen={(d) => go(`/devices/${d.id}`)} onPeek={(d) => setQuery({ peek: d.id })} onSelection={setSelected}
          onError={(e) => setError(e instanceof ApiError ? e : null)} api={(g) => { grid.current = g; }} />
        {total === 0 && (
          <div class="grid-over">
            {filtered
              ? <Empty title={t('list.noneMatch')} text={t('list.noneMatchText')}><button type="button" class="btn" onClick={clearFilters}>{t('filter.clear')}</button></Empty>
              : <Empty title={t('list.none')} text={t('list.noneText')}>{may('device.write') && <a class="btn btn-primary" href="/devices/new"><Icon svg={layersIcon} />{t('add.action')}</a>}</Empty>}
          </div>
        )}
        {error && total === null && <div class="grid-over"><div class="pad"><Failed what={t('list.failed')} error={error} retry={() => grid.current?.reset()} /></div></div>}
        {peek > 0 && <Peek id={peek} onClose={closePeek} onStep={(by) => step(by, false)} />}
      </div>
      <div class="grid-foot">
        {selected.length > 0 && <span>{t('list.selected', { n: selected.length })}</span>}
        {error && total !== null && <span class="status"><MarkIcon mark="high" /> {t('error.old')}</span>}
      </div>
    </div>
  );
}
