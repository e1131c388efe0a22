// What many meters counted, side by side: one row a meter, one column a period, and all of them together. The address bar holds the question.
import { useEffect, useState } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { get, url, type Query } from '../api/client';
import type { CountedRow, Group, List, MeterPeriods, Overview, PeriodSums, Vocabulary } from '../api/types';
import { t, word } from '../model/i18n';
import { number, places } from '../model/numbers';
import { formatQuery, numbers, parseSort, sortText } from '../model/query';
import { cellsOf, DUBIOUS, shortLabel, sorted, spanOf, starts, STEPS, type Cell, type Step, type TallyRow } from '../model/tally';
import { parse, startOf } from '../model/time';
import { unitText } from '../model/units';
import { serverNow } from '../live/clock';
import { go, query, setQuery } from '../live/router';
import { useResource } from '../live/resource';
import type { GridColumn } from '../parts/grid';
import { GridView, textCell } from '../parts/grid-view';
import { Icon } from '../parts/icon';
import { MARKS, QualityMark } from '../parts/quality-mark';
import { Empty, Failed } from '../parts/states';
import { StepBar } from '../parts/step-bar';
import { keyTitle } from '../parts/value';
import downloadIcon from '../icons/download.svg';
import searchIcon from '../icons/search.svg';
import xIcon from '../icons/x.svg';

/** Meters asked for at once: a page of hours of a day stays far below the rows that the server gives. */
const PAGE = 500;
const USUAL = 'energy';
const iso = (ms: number): string => new Date(ms).toISOString();

/** `sums`: all meters together, a row for each unit. */
interface Answer { rows: TallyRow[]; sums: TallyRow[]; meters: number[]; without: number; periods: number[] }
type Text = (n: number | null, unit: string) => string;

function questionOf(step: Step, from: number, to: number, now: number): Query {
  const q = query.value;
  return {
    key: q['key'] || USUAL, step: step.step, from: iso(from), to: iso(Math.max(from + 1, Math.min(to, startOf(step.step, now) + 1))),
    group: q['group'], kind: q['kind'], search: q['search'], devices: q['devices'],
  };
}

async function loadAll(question: Query, signal: AbortSignal, progress: (done: number, total: number) => void): Promise<MeterPeriods['items']> {
  const items: MeterPeriods['items'] = [];
  for (;;) {
    const page = await get<MeterPeriods>('/periods', { ...question, rows: 'brief', offset: items.length, limit: PAGE }, signal);
    items.push(...page.items);
    progress(items.length, page.total);
    if (page.items.length === 0 || items.length >= page.total) return items;
  }
}

function answerOf(items: MeterPeriods['items'], sums: PeriodSums, periods: number[], end: number): Answer {
  const cells = (rows: CountedRow[]): (Cell | null)[] => cellsOf(rows.map((r) => ({ ...r, start: parse(r.start)!, end: parse(r.end)! })), periods, end);
  return {
    periods, without: sums.without, meters: sums.items.map((s) => s.meters),
    rows: items.map((i) => ({ ...i, name: i.device_name, cells: cells(i.rows), total: i.sum, missing: i.absent })),
    sums: sums.items.map((s, i) => ({
      ...s, device: -i, point: 0, serial: '', name: sums.items.length > 1 ? t('tally.allIn', { unit: unitText(s.unit) }) : t('tally.all'),
      cells: cells(s.rows), total: s.sum, missing: s.incomplete,
    })),
  };
}

const markText = (quality: string | null): string => (quality && MARKS[quality] ? MARKS[quality]! : '');

/** Why a number is less than it looks. */
const whyOf = (c: Cell | null): string => [
  c?.absent ? t('tally.lacks', { n: c.absent, count: number(c.absent) }) : '',
  markText(c?.quality ?? null) && word('quality', c!.quality), ...(c?.flags ?? []).map((f) => word('rowFlag', f)),
].filter(Boolean).join(', ');

function drawCell(cell: HTMLElement, c: Cell | null, text: (n: number | null) => string): void {
  const mark = markText(c?.quality ?? null);
  cell.classList.toggle('old', (c?.value ?? null) === null);
  cell.textContent = [mark, text(c?.value ?? null)].filter(Boolean).join(' ');
  const why = whyOf(c);
  if (why) cell.title = why; else cell.removeAttribute('title');
}

const incomplete = (r: TallyRow): string => `${t('tally.incomplete', { n: r.missing, count: number(r.missing) })}, ${t('tally.absent', { n: r.absent, count: number(r.absent) })}`;

function noteOf(r: TallyRow): string {
  return [
    r.missing === 0 ? '' : r.device > 0 ? t('tally.missing', { n: r.missing }) : incomplete(r),
    r.quality && DUBIOUS.includes(r.quality) ? word('quality', r.quality) : '', ...r.flags.map((f) => word('rowFlag', f)),
  ].filter(Boolean).join(', ');
}

const linkOf = (r: TallyRow, step: Step, at: number): string => `/devices/${r.device}${formatQuery({ tab: 'consumption', point: r.point, step: step.step, at: iso(at) })}`;

function drawName(cell: HTMLElement, r: TallyRow, href: string): void {
  const wanted = r.device > 0 ? 'A' : 'B';
  if (cell.firstElementChild?.tagName !== wanted) cell.replaceChildren(document.createElement(wanted));
  const el = cell.firstElementChild as HTMLAnchorElement;
  el.textContent = el.title = r.name;
  if (r.device > 0) { el.href = href; el.tabIndex = -1; }
}

function columnsOf(a: Answer, step: Step, at: number, text: Text): GridColumn<TallyRow>[] {
  const one = a.sums.length === 1 ? ` [${unitText(a.sums[0]!.unit)}]` : '';
  return [
    { key: 'name', title: t('col.name'), width: 216, grow: 1, sortable: true, draw: (c, r) => drawName(c, r, linkOf(r, step, at)) },
    { key: 'serial', title: t('col.serial'), width: 100, sortable: true, draw: (c, r) => textCell(c, r.serial) },
    { key: 'total', title: t('tally.total') + one, width: 130, right: true, sortable: true, draw: (c, r) => drawCell(c, { value: r.total, quality: r.quality, flags: [] }, (n) => text(n, r.unit)) },
    ...(one ? [] : [{ key: 'unit', title: t('tally.unit'), width: 70, sortable: true, draw: (c: HTMLElement, r: TallyRow) => textCell(c, unitText(r.unit)) }]),
    { key: 'missing', title: t('consumption.note'), width: 220, sortable: true, draw: (c, r) => textCell(c, noteOf(r)) },
    ...a.periods.map((start, i): GridColumn<TallyRow> => ({ key: `p${i}`, title: shortLabel(step.step, start), width: 92, right: true, sortable: true, draw: (c, r) => drawCell(c, r.cells[i] ?? null, (n) => text(n, r.unit)) })),
  ];
}

function drawNarrow(cell: HTMLElement, r: TallyRow, text: string): void {
  cell.innerHTML = '<div class="two"><span></span><span></span><span></span><span></span></div>';
  [...cell.firstElementChild!.children].forEach((el, i) => { el.textContent = [r.name, text, r.serial, noteOf(r)][i]!; });
}

/** All meters of a unit together as bars, and in words what they rest on. */
function Together({ a, index, step, text }: { a: Answer; index: number; step: Step; text: Text }) {
  const all = a.sums[index]!;
  const top = Math.max(...all.cells.map((c) => c?.value ?? 0), 0) || 1;
  const found = DUBIOUS.filter((q) => a.rows.some((r) => r.unit === all.unit && r.cells.some((c) => c?.quality === q)));
  const meters = a.meters[index]!;
  return (
    <>
      <p class="pad"><strong>{all.total === null ? t('tally.nothing') : `${text(all.total, all.unit)} ${unitText(all.unit)}`}</strong> {t('tally.meters', { n: meters, count: number(meters) })}
        {[all.missing > 0 && incomplete(all), index === 0 && a.without > 0 && t('tally.without', { n: a.without, count: number(a.without) })].filter(Boolean).map((x) => <span key={x} class="grey"> · {x}</span>)}
        {found.map((q) => <span key={q} class="tally-key grey"><QualityMark quality={q} /><span aria-hidden="true">{word('quality', q)}</span></span>)}
      </p>
      {all.total !== null && <div class="tallies tallies-low" role="img" aria-label={t('tally.bars')}>
        {a.periods.map((start, i) => {
          const c = all.cells[i] ?? null;
          return (
            <div key={start} class="tally" title={[`${shortLabel(step.step, start)}: ${text(c?.value ?? null, all.unit)}`, whyOf(c)].filter(Boolean).join(', ')}>
              <i class={markText(c?.quality ?? null) ? 'tally-new tally-marked' : 'tally-new'} style={{ height: `${Math.max(0, c?.value ?? 0) / top * 100}%` }} /><span>{shortLabel(step.step, start)}</span>
            </div>
          );
        })}
      </div>}
    </>
  );
}

function Summary({ a, step, text }: { a: Answer; step: Step; text: Text }) {
  return <section class="card tally-summary" aria-label={t('tally.all')}>{a.sums.map((s, i) => <Together key={s.unit} a={a} index={i} step={step} text={text} />)}</section>;
}

/** Digits behind the mark, by unit: as many as tell a usual period of a large meter. */
function textOf(a: Answer | null): Text {
  const decimals = new Map<string, number>();
  for (const s of a?.sums ?? []) {
    const rows = a!.rows.filter((r) => r.unit === s.unit);
    const broken = rows.some((r) => r.cells.some((c) => c?.value && !Number.isInteger(c.value)));
    decimals.set(s.unit, broken ? places(Math.max(...rows.slice(0, 1000).map((r) => r.total ?? 0), 0) / a!.periods.length) : 0);
  }
  return (n, unit) => (n === null ? '–' : number(n, decimals.get(unit) ?? 0));
}

function Register() {
  const chosen = query.value['key'] || USUAL;
  const words = useResource('vocabulary', (s) => get<Vocabulary>('/vocabulary', {}, s));
  const names = (words.data?.names ?? []).filter((n) => n.aggregation === 'counter').map((n) => n.name);
  const keys = names.includes(chosen) ? names : [chosen, ...names];
  return (
    <select class="input tally-choice" aria-label={t('consumption.register')} value={chosen} onChange={(e) => setQuery({ key: e.currentTarget.value }, false)}>
      {keys.map((k) => <option key={k} value={k}>{keyTitle(k)}</option>)}
    </select>
  );
}

function Which() {
  const q = query.value;
  const groups = useResource('groups', (s) => get<List<Group>>('/groups', { limit: 1000 }, s)).data?.items ?? [];
  const kinds = Object.keys(useResource('kinds', (s) => get<Overview>('/overview', {}, s)).data?.by_kind ?? {});
  const [text, setText] = useState(q['search'] ?? '');
  useEffect(() => {
    if (text === (q['search'] ?? '')) return undefined;
    const timer = setTimeout(() => setQuery({ search: text }), 250);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => { setText(query.value['search'] ?? ''); }, [q['search']]);
  const chosen = numbers(q['devices']).length;
  return (
    <>
      {(groups.length > 0 || q['group']) && (
        <select class="input tally-choice" aria-label={t('filter.group')} value={q['group'] ?? ''} onChange={(e) => setQuery({ group: e.currentTarget.value }, false)}>
          <option value="">{t('tally.anyGroup')}</option>
          {groups.map((g) => <option key={g.id} value={String(g.id)}>{g.name}</option>)}
        </select>
      )}
      <select class="input tally-choice" aria-label={t('filter.kind')} value={q['kind'] ?? ''} onChange={(e) => setQuery({ kind: e.currentTarget.value }, false)}>
        <option value="">{t('tally.anyKind')}</option>
        {kinds.map((k) => <option key={k} value={k}>{word('kind', k)}</option>)}
      </select>
      <div class="search-field"><Icon svg={searchIcon} /><input class="input" type="search" placeholder={t('list.search')} aria-label={t('list.search')} value={text} onInput={(e) => setText(e.currentTarget.value)} /></div>
      {chosen > 0 && <span class="chip">{t('list.selected', { n: chosen })}<button type="button" aria-label={t('filter.clear')} onClick={() => setQuery({ devices: '' }, false)}><Icon svg={xIcon} size={14} /></button></span>}
    </>
  );
}

function Table({ a, step, at, dataKey, text }: { a: Answer; step: Step; at: number; dataKey: string; text: Text }) {
  const sort = parseSort(query.value['sort'], 'name');
  const rows = [...a.sums, ...sorted(a.rows, sort.key, sort.down, a.sums.map((s) => s.unit))];
  const onSort = (key: string): void => setQuery({ sort: sortText({ key, down: sort.key === key ? !sort.down : !['name', 'serial', 'unit'].includes(key) }) });
  const open = (r: TallyRow): void => { if (r.device > 0) go(linkOf(r, step, at)); };
  return (
    <div class="card grid-card">
      <GridView<TallyRow> key={dataKey} label={t('nav.consumption')} columns={columnsOf(a, step, at, text)} dataKey={`${dataKey} ${sortText(sort)}`} sort={sort} onSort={onSort}
        fetch={async (offset, limit) => ({ total: rows.length, items: rows.slice(offset, offset + limit) })} id={(r) => r.device} onOpen={open}
        drawNarrow={(cell, r) => drawNarrow(cell, r, `${text(r.total, r.unit)} ${unitText(r.unit)}`)} />
    </div>
  );
}

export default function TallyPage() {
  const q = query.value;
  const step = STEPS.find((x) => x.step === q['step']) ?? STEPS[2]!;
  const now = serverNow();
  const at = Date.parse(q['at'] ?? '') || now;
  const span = spanOf(step, at);
  const question = questionOf(step, span.from, span.to, now);
  const progress = useSignal<{ done: number; total: number } | null>(null);
  const key = JSON.stringify(question);
  const found = useResource(key, async (signal) => {
    progress.value = null;
    const [sums, items] = await Promise.all([
      get<PeriodSums>('/periods/sums', question, signal),
      loadAll(question, signal, (done, total) => { progress.value = { done, total }; }),
    ]);
    return answerOf(items, sums, starts(step, span), span.to);
  });
  const a = found.data;
  const text = textOf(a);
  return (
    <div class="fill">
      <div class="page-head"><h1>{t('nav.consumption')}</h1>
        <div class="page-actions"><a class="btn" href={url('/periods.csv', question)} download title={t('tally.csv')}><Icon svg={downloadIcon} />CSV</a></div></div>
      <div class="toolbar"><Register /><Which /></div>
      <div class="toolbar"><StepBar step={step} at={at} span={span} now={now} /></div>
      {found.error && !a && <Failed what={t('consumption.failed')} error={found.error} retry={found.reload} />}
      {!a && !found.error && (
        <div class="card pad" aria-busy="true">
          <p role="status">{progress.value ? t('tally.loading', { done: number(progress.value.done), total: number(progress.value.total) }) : t('state.loading')}</p>
          {progress.value && <div class="progress" role="progressbar" aria-label={t('state.loading')} aria-valuemin={0} aria-valuemax={progress.value.total} aria-valuenow={progress.value.done}><div style={{ width: `${progress.value.done / Math.max(1, progress.value.total) * 100}%` }} /></div>}
        </div>
      )}
      {a && a.rows.length === 0 && <div class="card"><Empty title={t('tally.none')} text={a.without > 0 ? t('tally.without', { n: a.without, count: number(a.without) }) : t('tally.noneText')}>{(q['group'] || q['kind'] || q['search'] || q['devices']) && <button type="button" class="btn" onClick={() => setQuery({ group: '', kind: '', search: '', devices: '' }, false)}>{t('filter.clear')}</button>}</Empty></div>}
      {a && a.rows.length > 0 && <>
        {found.error && <Failed row what={t('error.old')} error={found.error} retry={found.reload} />}
        <Summary a={a} step={step} text={text} />
        <Table a={a} step={step} at={at} dataKey={key} text={text} />
      </>}
    </div>
  );
}
