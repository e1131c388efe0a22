// All lines: what each is connected to, how its queue stands, what went wrong last.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Line, List } from '../api/types';
import { t, word } from '../model/i18n';
import { bytes, number } from '../model/numbers';
import { linkMark } from '../model/status';
import { ago } from '../live/clock';
import { go, query, setQuery } from '../live/router';
import { useResource } from '../live/resource';
import { may } from '../live/session';
import { subscribe } from '../live/stream';
import { Icon } from '../parts/icon';
import { endpoint, LineForm } from '../parts/line-form';
import { Empty, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import { toast } from '../parts/toast';
import plusIcon from '../icons/plus.svg';

export function linkWord(l: Line): string { return l.enabled ? word('link', l.state.link) : word('link', 'disabled'); }

/** "37 / 250" where the line has a limit. */
export function deviceCount(l: Line): string { return l.device_limit === null ? number(l.devices) : t('line.devicesOf', { n: number(l.devices), limit: number(l.device_limit) }); }

function Row({ l }: { l: Line }) {
  return (
    <tr class="row-go" onClick={(e) => { if (!(e.target as Element).closest('a')) go(`/lines/${l.id}`); }}>
      <td class="nowrap"><Status mark={linkMark(l.state.link, l.enabled)} word={linkWord(l)} /></td>
      <td><a href={`/lines/${l.id}`}>{l.name}</a><div class="grey small">{[word('line', l.kind), l.member && t('line.openOn', { server: l.member })].filter(Boolean).join(' · ')}</div></td>
      <td class="mono nowrap wide-cell">{endpoint(l)}</td>
      <td class="num nowrap"><a href={`/devices?line=${l.id}`}>{deviceCount(l)}</a></td>
      <td class="num">{number(l.state.queue_length)}</td>
      <td class="nowrap phone-hide-cell">{l.state.last_success ? ago(l.state.last_success) : <span class="grey">–</span>}</td>
      <td class="num nowrap wide-cell">{bytes(l.state.bytes_in)}</td>
      <td class="num wide-cell">{l.state.frames_refused ? t('line.refusedOf', { refused: number(l.state.frames_refused), all: number(l.state.frames_in) }) : number(l.state.frames_in)}</td>
      <td class="wrap small phone-hide-cell">{l.state.last_error}</td>
    </tr>
  );
}

export default function LinesPage() {
  const lines = useResource('lines', (s) => get<List<Line>>('/lines', { limit: 1000 }, s));
  const [adding, add] = useState(!!query.peek()['add']);
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const stop = subscribe(['lines'], [], (e) => {
      if (e.type === 'line' || e.type === 'poll') due ??= setTimeout(() => { due = undefined; lines.reload(); }, 700);
    });
    return () => { stop(); clearTimeout(due); };
  }, []);
  const addButton = may('line.write') && <button type="button" class="btn btn-primary" onClick={() => add(true)}><Icon svg={plusIcon} />{t('line.addTitle')}</button>;
  return (
    <>
      <div class="page-head"><h1>{t('nav.lines')}</h1><div class="page-actions">{addButton}</div></div>
      <div class="card">
        <Loaded from={lines} what={t('line.listFailed')}>
          {(l) => (l.items.length === 0 ? <Empty title={t('line.none')} text={t('line.noneText')}>{addButton}</Empty> : (
            <div class="table-box">
              <table class="table table-mid">
                <thead><tr><th>{t('col.state')}</th><th>{t('col.name')}</th><th class="wide-cell">{t('line.endpoint')}</th><th class="num">{t('nav.devices')}</th><th class="num">{t('line.queue')}</th><th class="phone-hide-cell">{t('line.lastSuccess')}</th><th class="num wide-cell">{t('line.received')}</th><th class="num wide-cell">{t('line.frames')}</th><th class="phone-hide-cell">{t('col.lastError')}</th></tr></thead>
                <tbody>{l.items.map((x) => <Row key={x.id} l={x} />)}</tbody>
              </table>
            </div>
          ))}
        </Loaded>
      </div>
      {adding && may('line.write') && <LineForm line={null} onClose={() => { add(false); setQuery({ add: '' }); }} onSaved={(l) => { toast(t('line.added', { name: l.name })); go(`/lines/${l.id}`); }} />}
    </>
  );
}
