// All stored telegrams, the refused and unknown ones too; the door to the inspector.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, ApiError } from '../api/client';
import type { FrameSummary, Line, List, OpenList } from '../api/types';
import { t, word } from '../model/i18n';
import { number } from '../model/numbers';
import { dateTime } from '../model/time';
import { signalText } from '../model/units';
import { go, query, setQuery } from '../live/router';
import { useResource } from '../live/resource';
import { subscribe } from '../live/stream';
import { outcomeMark } from '../parts/frame-table';
import type { Grid, GridColumn } from '../parts/grid';
import { GridView, linkCell, openTotal, textCell } from '../parts/grid-view';
import { Icon } from '../parts/icon';
import { Empty, Failed } from '../parts/states';
import { markSvg } from '../parts/status';
import pasteIcon from '../icons/clipboard-paste.svg';

const who = (f: FrameSummary): string => f.device_name || [f.manufacturer, f.serial].filter(Boolean).join(' ') || (f.device ? `#${f.device}` : t('frames.unknown'));

function columns(): GridColumn<FrameSummary>[] {
  return [
    { key: 'time', title: t('chart.time'), width: 192, even: true, draw: (c, f) => linkCell(c, dateTime(f.time, true), `/frames/${f.id}`) },
    { key: 'outcome', title: t('comm.result'), width: 180, draw: (c, f) => {
      const m = outcomeMark(f.outcome);
      c.innerHTML = `<span class="status status-${m}">${markSvg(m)}<span class="status-word"></span></span>`;
      c.querySelector('.status-word')!.textContent = word('outcome', f.outcome);
    } },
    { key: 'device', title: t('frames.device'), width: 220, grow: 1, draw: (c, f) => { textCell(c, who(f)); c.classList.toggle('grey', !f.device); } },
    { key: 'line', title: t('col.line'), width: 140, draw: (c, f) => textCell(c, f.line_name || (f.line ? `#${f.line}` : '')) },
    { key: 'protocol', title: t('frames.protocol'), width: 140, draw: (c, f) => textCell(c, word('protocol', f.protocol)) },
    { key: 'bytes', title: t('frames.bytes'), width: 80, right: true, draw: (c, f) => textCell(c, String(f.bytes)) },
    { key: 'signal', title: t('frames.signal'), width: 100, right: true, draw: (c, f) => textCell(c, signalText(f.signal_dbm)) },
  ];
}

function drawNarrow(cell: HTMLElement, f: FrameSummary): void {
  cell.innerHTML = '<div class="two"><span></span><span></span><span></span><span></span></div>';
  const [a, b, c, d] = [...cell.firstElementChild!.children] as HTMLElement[];
  a!.innerHTML = markSvg(outcomeMark(f.outcome)) + ' ';
  a!.append(who(f));
  b!.textContent = t('inspector.count', { n: f.bytes });
  c!.textContent = [word('outcome', f.outcome), f.line_name].filter(Boolean).join(' · ');
  d!.textContent = dateTime(f.time, true);
}

export default function FramesPage() {
  const q = query.value;
  const grid = useRef<Grid<FrameSummary> | null>(null);
  const [total, setTotal] = useState<number | null>(null);
  const [counted, setCounted] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const lines = useResource('lines', (s) => get<List<Line>>('/lines', { limit: 1000 }, s)).data?.items ?? [];
  const filter = { line: q['line'], device: q['device'], unknown: q['unknown'] };
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden && grid.current && grid.current.element.scrollTop === 0) grid.current.refresh(); }, 10_000);
    const stop = subscribe([], [], (e) => { if (e.type === 'poll') grid.current?.refresh(); });
    return () => { clearInterval(timer); stop(); };
  }, []);
  const fetchRows = async (offset: number, limit: number) => { const r = await get<OpenList<FrameSummary>>('/frames', { ...filter, offset, limit }); setError(null); setCounted(r.total !== undefined); return { total: openTotal(r, offset, limit), items: r.items }; };
  return (
    <div class="fill">
      <div class="page-head">
        <h1>{t('nav.frames')}</h1>
        {total !== null && counted && <span class="sub" role="status">{t('frames.count', { n: total, count: number(total) })}</span>}
        <div class="page-actions"><a class="btn btn-primary" href="/inspector"><Icon svg={pasteIcon} />{t('inspector.pasteAction')}</a></div>
      </div>
      <div class="toolbar">
        <div class="seg" role="group" aria-label={t('frames.which')}>
          <button type="button" aria-pressed={!q['unknown']} onClick={() => setQuery({ unknown: '' }, false)}>{t('frames.all')}</button>
          <button type="button" aria-pressed={!!q['unknown']} onClick={() => setQuery({ unknown: 1 }, false)}>{t('frames.onlyUnknown')}</button>
        </div>
        <label class="inline-label inline-keep">{t('col.line')}
          <select value={q['line'] ?? ''} onChange={(e) => setQuery({ line: e.currentTarget.value }, false)}>
            <option value="">{t('frames.anyLine')}</option>
            {lines.map((l) => <option key={l.id} value={l.id}>{l.name}</option>)}
          </select>
        </label>
      </div>
      <div class="card grid-card">
        <GridView<FrameSummary> label={t('nav.frames')} columns={columns()} dataKey={JSON.stringify(filter)} fetch={fetchRows} id={(f) => f.id} drawNarrow={drawNarrow}
          onTotal={setTotal} onOpen={(f) => go(`/frames/${f.id}`)} onError={(e) => setError(e instanceof ApiError ? e : null)} api={(g) => { grid.current = g; }} />
        {total === 0 && <div class="grid-over"><Empty title={t('frames.none')} text={t('frames.noneText')}><a class="btn" href="/inspector">{t('inspector.pasteAction')}</a></Empty></div>}
        {error && total === null && <div class="grid-over"><div class="pad"><Failed what={t('frames.failed')} error={error} retry={() => grid.current?.reset()} /></div></div>}
      </div>
    </div>
  );
}
