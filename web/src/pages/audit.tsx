// Who changed what and when.
import { useRef, useState } from 'preact/hooks';
import { ApiError, get } from '../api/client';
import type { AuditEntry, OpenList } from '../api/types';
import { t, word } from '../model/i18n';
import { dateTime } from '../model/time';
import { go } from '../live/router';
import type { Grid, GridColumn } from '../parts/grid';
import { GridView, linkCell, openTotal, textCell } from '../parts/grid-view';
import { SettingsHead } from '../parts/settings-nav';
import { Empty, Failed } from '../parts/states';
import { keyTitle } from '../parts/value';

type Row = AuditEntry & { row: number };
/** What it is about, by name; "device:17" as words where that is gone. */
function object(a: AuditEntry): string {
  const [kind = '', id = ''] = a.object.split(':');
  const register = a.object_key && keyTitle(a.object_key);
  if (a.object_name) return register ? `${a.object_name}, ${register}` : a.object_name;
  return id && kind !== 'forgotten' ? `${word('object', kind)} ${id}` : word('object', kind);
}
/** Where that can be seen. */
function place(a: AuditEntry): string {
  if (a.device) return `/devices/${a.device}`;
  if (a.line) return `/lines/${a.line}`;
  return a.object.startsWith('forgotten:') ? '/settings/forgotten' : '';
}
const action = (a: AuditEntry): string => word('did', a.action.replace(/[.\s]/g, '_'));

function columns(): GridColumn<Row>[] {
  return [
    { key: 'time', title: t('chart.time'), width: 192, even: true, draw: (c, r) => textCell(c, dateTime(r.time, true)) },
    { key: 'login', title: t('signin.login'), width: 130, draw: (c, r) => textCell(c, r.login || t('audit.system')) },
    { key: 'action', title: t('audit.action'), width: 220, draw: (c, r) => textCell(c, action(r)) },
    { key: 'object', title: t('audit.object'), width: 240, draw: (c, r) => { if (place(r)) linkCell(c, object(r), place(r)); else textCell(c, object(r)); } },
    { key: 'detail', title: t('audit.detail'), width: 260, grow: 1, draw: (c, r) => textCell(c, r.detail) },
  ];
}
function drawNarrow(cell: HTMLElement, r: Row): void {
  cell.innerHTML = '<div class="two"><span></span><span></span><span></span><span></span></div>';
  [...cell.firstElementChild!.children].forEach((el, i) => { el.textContent = [action(r), r.login || t('audit.system'), [object(r), r.detail].filter(Boolean).join(' · '), dateTime(r.time)][i]!; });
}

export default function AuditPage() {
  const grid = useRef<Grid<Row> | null>(null);
  const [total, setTotal] = useState<number | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const fetchRows = async (offset: number, limit: number) => {
    const r = await get<OpenList<AuditEntry>>('/audit', { offset, limit });
    setError(null);
    return { total: openTotal(r, offset, limit), items: r.items.map((x, i) => ({ ...x, row: offset + i })) };
  };
  return (
    <>
      <SettingsHead />
      <div class="card grid-card audit-grid">
        <GridView<Row> label={t('settings.audit')} columns={columns()} dataKey="" fetch={fetchRows} id={(r) => r.row} drawNarrow={drawNarrow} onTotal={setTotal} onOpen={(r) => { if (place(r)) go(place(r)); }}
          onError={(e) => setError(e instanceof ApiError ? e : null)} api={(g) => { grid.current = g; }} />
        {total === 0 && <div class="grid-over"><Empty title={t('audit.none')} text={t('audit.noneText')} /></div>}
        {error && total === null && <div class="grid-over"><div class="pad"><Failed what={t('audit.failed')} error={error} retry={() => grid.current?.reset()} /></div></div>}
      </div>
    </>
  );
}
