// One line: state, live queue, errors, settings, scan.
import { useEffect, useState } from 'preact/hooks';
import { del, get } from '../api/client';
import type { Line, QueueItem } from '../api/types';
import { t, word } from '../model/i18n';
import { bytes, number } from '../model/numbers';
import { JOB_MARK, linkMark } from '../model/status';
import { dateTime } from '../model/time';
import { age, ago } from '../live/clock';
import { go } from '../live/router';
import { useAction, useResource } from '../live/resource';
import { may } from '../live/session';
import { subscribe } from '../live/stream';
import { Confirm } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Lazy } from '../parts/lazy';
import { canScan, endpoint, isRadio, LineForm } from '../parts/line-form';
import { ActionError, Empty, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import { toast } from '../parts/toast';
import { setTitle } from '../routes';
import { deviceCount, linkWord } from './lines';
import scanIcon from '../icons/scan-search.svg';
import editIcon from '../icons/pencil.svg';
import trashIcon from '../icons/trash-2.svg';

const loadScan = () => import('../parts/scan-dialog');

function Queue({ id }: { id: number }) {
  const queue = useResource(`q${id}`, (s) => get<{ items: QueueItem[] }>(`/lines/${id}/queue`, {}, s));
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => { due ??= setTimeout(() => { due = undefined; queue.reload(); }, 500); };
    const stop = subscribe(['lines', 'jobs', 'devices'], [], (e) => {
      const x = e.data as { id?: number; line?: number } | null;
      if (e.type === 'poll' || (e.type === 'line' && x?.id === id) || (e.type === 'job' && x?.line === id)) soon();
    });
    const timer = setInterval(queue.poll, 3000);
    return () => { stop(); clearInterval(timer); clearTimeout(due); };
  }, [id]);
  return (
    <section class="card">
      <div class="card-head"><h2>{t('line.liveQueue')}</h2><span class="grey small">{queue.data ? t('line.queued', { n: queue.data.items.length }) : ''}</span></div>
      <Loaded from={queue} what={t('line.queueFailed')} rows={3}>
        {(q) => (q.items.length === 0 ? <Empty title={t('line.queueEmpty')} text={t('line.queueEmptyText')} /> : (
          <div class="table-box queue-box">
            <table class="table table-mid">
              <thead><tr><th>{t('col.state')}</th><th>{t('frames.device')}</th><th>{t('line.priority')}</th><th class="num">{t('line.waits')}</th></tr></thead>
              <tbody>
                {q.items.map((x, i) => (
                  <tr key={`${x.job}-${x.device}-${i}`}>
                    <td class="nowrap"><Status mark={JOB_MARK[x.state] ?? 'busy'} word={word('job', x.state)} /></td>
                    <td>{x.device ? <a href={`/devices/${x.device}`}>{x.device_name || `#${x.device}`}</a> : <span class="grey">{t('line.noDevice')}</span>}</td>
                    <td>{word('priority', x.priority)}</td><td class="num nowrap">{age(x.queued)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
      </Loaded>
    </section>
  );
}

function State({ l }: { l: Line }) {
  const s = l.state;
  return (
    <section class="card">
      <div class="card-head"><h2>{t('line.state')}</h2><Status mark={linkMark(s.link, l.enabled)} word={linkWord(l)} /></div>
      <div class="card-body">
        {s.last_error && <p class="note note-warn wrap line-error">{s.last_error}</p>}
        <dl class="facts">
          <dt>{t('line.kind')}</dt><dd>{word('line', l.kind)}</dd>
          <dt>{t('line.endpoint')}</dt><dd class="mono">{endpoint(l)}</dd>
          <dt>{t('nav.devices')}</dt><dd><a href={`/devices?line=${l.id}`}>{deviceCount(l)}</a>{l.device_limit !== null && l.devices >= l.device_limit && <span class="grey"> {t('line.full')}</span>}</dd>
          <dt>{t('line.lastSuccess')}</dt><dd>{s.last_success ? <>{dateTime(s.last_success, true)} <span class="grey">({ago(s.last_success)})</span></> : <span class="grey">{t('comm.never')}</span>}</dd>
          {l.member && <><dt>{t('line.server')}</dt><dd>{l.member}<p class="field-hint">{t('line.serverHint')}</p></dd></>}
          {s.active_device && <><dt>{t('line.active')}</dt><dd><a href={`/devices/${s.active_device}`}>{s.active_device_name || `#${s.active_device}`}</a></dd></>}
          {/listen/.test(l.kind) && <><dt>{t('line.clients')}</dt><dd>{number(s.clients)}</dd></>}
          <dt>{t('line.traffic')}</dt><dd>{t('line.trafficValue', { in: bytes(s.bytes_in), out: bytes(s.bytes_out) })}</dd>
          <dt>{t('line.frames')}</dt><dd>{number(s.frames_in)} <a href={`/frames?line=${l.id}`}>{t('line.showFrames')}</a></dd>
          <dt>{t('line.refused')}</dt><dd>{number(s.frames_refused)}{s.frames_in > 0 && s.frames_refused > 0 && <span class="grey"> ({number(100 * s.frames_refused / s.frames_in, 1)} %)</span>}</dd>
          {canScan(l) && <><dt>{t('line.timing')}</dt><dd>{t('line.timingValue', { timeout: l.timeout_ms ? `${number(l.timeout_ms)} ms` : t('line.usual'), retries: l.retries, delay: l.delay_ms })}</dd></>}
        </dl>
      </div>
    </section>
  );
}

export default function LinePage({ id }: { id: number }) {
  const line = useResource(`line${id}`, (s) => get<Line>(`/lines/${id}`, {}, s));
  const [dialog, show] = useState<'edit' | 'scan' | 'delete' | null>(null);
  const action = useAction();
  useEffect(() => { if (line.data) setTitle(line.data.name); }, [line.data?.name]);
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const stop = subscribe(['lines'], [], (e) => {
      if (e.type === 'poll' || (e.type === 'line' && (e.data as { id: number }).id === id)) due ??= setTimeout(() => { due = undefined; line.reload(); }, 500);
    });
    return () => { stop(); clearTimeout(due); };
  }, [id]);
  return (
    <>
      <div class="crumbs"><a href="/lines">{t('nav.lines')}</a></div>
      <Loaded from={line} what={t('line.failed')}>
        {(l) => (
          <>
            <div class="page-head">
              <h1>{l.name}</h1>
              <Status mark={linkMark(l.state.link, l.enabled)} word={linkWord(l)} />
              {may('line.write') && (
                <div class="page-actions">
                  {canScan(l) && <button type="button" class="btn btn-primary" onClick={() => show('scan')}><Icon svg={scanIcon} />{t('scan.action')}</button>}
                  {isRadio(l) && <a class="btn btn-primary" href="/devices/new?way=radio"><Icon svg={scanIcon} />{t('scan.heard')}</a>}
                  <button type="button" class="btn" onClick={() => show('edit')}><Icon svg={editIcon} />{t('action.edit')}</button>
                  <button type="button" class="btn" onClick={() => show('delete')}><Icon svg={trashIcon} />{t('action.delete')}</button>
                </div>
              )}
            </div>
            <div class="cols cols-even"><State l={l} />{canScan(l) && <Queue id={id} />}</div>
            {dialog === 'edit' && <LineForm line={l} onClose={() => show(null)} onSaved={() => { toast(t('action.saved')); show(null); line.reload(); }} />}
            {dialog === 'scan' && <Lazy load={loadScan} props={{ line: l, onClose: () => { show(null); line.reload(); } }} quiet />}
            {dialog === 'delete' && (
              <Confirm title={t('line.deleteTitle', { name: l.name })} text={t('line.deleteText', { n: l.devices })} action={t('action.delete')} danger busy={action.busy} error={<ActionError error={action.error} />}
                onClose={() => show(null)} onConfirm={() => void action.run(async () => { await del(`/lines/${id}`); toast(t('line.deleted', { name: l.name })); go('/lines'); })} />
            )}
          </>
        )}
      </Loaded>
    </>
  );
}
