// Master data of a device; administrators edit it here.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError, del, get, patch } from '../../api/client';
import type { Device, Line, List, Profile } from '../../api/types';
import { t, withTexts, word } from '../../model/i18n';
import { scheduleWords } from '../../model/schedule';
import { dateTime } from '../../model/time';
import { go } from '../../live/router';
import { useAction, useResource } from '../../live/resource';
import { may } from '../../live/session';
import { DeviceFields } from '../../parts/device-fields';
import { formOf, inputOf, mediumOf, type DeviceForm, type Wrong } from '../../parts/device-form';
import { Confirm } from '../../parts/dialog';
import type { TabProps } from '../../parts/device-tab';
import { Icon } from '../../parts/icon';
import { MeterCommands } from '../../parts/meter-commands';
import { Lazy } from '../../parts/lazy';
import { ActionError } from '../../parts/states';
import { toast } from '../../parts/toast';
import editIcon from '../../icons/pencil.svg';
import trashIcon from '../../icons/trash-2.svg';

/** Every device has a unit; it means something to those of Modbus alone, which have a line and no medium. */
const unitOf = (d: Device): number | null => (d.line && d.medium === null ? d.unit_id : null);
const loadForget = withTexts(() => import('./forget'), 'forgotten');

function Facts({ d }: { d: Device }) {
  const none = <span class="grey">–</span>;
  const rows: [string, ComponentChildren][] = [
    [t('col.name'), d.name], [t('col.kind'), word('kind', d.kind)], [t('col.serial'), d.serial || none], [t('col.manufacturer'), d.manufacturer || none],
    [t('inspector.versionShort'), d.version ?? none], [t('col.medium'), d.medium_text ? word('medium', d.medium_text) : none],
    [t('col.profile'), d.profile_title || d.profile || none], [t('col.line'), d.line ? <a href={`/lines/${d.line}`}>{d.line_name}</a> : t('device.anyLine')],
    [t('col.busAddress'), d.secondary ? t('deviceForm.secondary') : d.primary_address ?? (unitOf(d) === null ? none : t('deviceForm.unitNo', { n: unitOf(d)! }))],
    ...(d.baud ? [[t('line.baud'), d.baud] as [string, ComponentChildren]] : []),
    [t('deviceForm.key'), t(d.has_key ? 'deviceForm.keyStored' : 'deviceForm.keyNone')], [t('deviceForm.battery'), t(d.battery ? 'word.yes' : 'word.no')],
    [t('col.address'), [d.address, d.city].filter(Boolean).join(', ') || none],
    [t('deviceForm.position'), d.latitude && d.longitude ? `${d.latitude}, ${d.longitude}` : none],
    [t('col.schedule'), scheduleWords(d.schedule)], [t('deviceForm.enabled'), t(d.enabled ? 'word.yes' : 'word.no')], [t('col.created'), dateTime(d.created)],
  ];
  return <dl class="facts facts-wide">{rows.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>;
}

function Edit({ d, done }: { d: Device; done: (changed: boolean) => void }) {
  const lines = useResource('lines', (s) => get<List<Line>>('/lines', { limit: 1000 }, s)).data?.items ?? [];
  const profiles = useResource('profiles', (s) => get<List<Profile>>('/profiles', { limit: 1000 }, s)).data?.items ?? [];
  const [f, change] = useState<DeviceForm>(formOf(d));
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const action = useAction();
  const lineKind = lines.find((l) => l.id === d.line)?.kind;
  const medium = mediumOf(lineKind ?? (d.primary_address !== null || d.secondary ? 'mbus' : unitOf(d) === null ? 'wmbus' : 'modbus'));
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    const r = inputOf(f, medium);
    setWrong(r.wrong);
    if (r.wrong) return;
    await action.run(async () => {
      try { await patch<Device>(`/devices/${d.id}`, { ...r.input, revision: d.revision }); }
      catch (x) { if (x instanceof ApiError && x.field && x.field in f) { setWrong({ field: x.field as keyof DeviceForm, text: x.detail }); return; } throw x; }
      toast(t('action.saved'));
      done(true);
    });
  };
  const common = { f, change, wrong, lines, profiles, medium, hasKey: d.has_key };
  return (
    <form class="form form-full" onSubmit={submit} noValidate>
      <DeviceFields {...common} part="place" />
      <DeviceFields {...common} part="identity" />
      <DeviceFields {...common} part="reading" />
      <ActionError error={action.error} />
      <div class="form-actions">
        <button type="submit" class="btn btn-primary" disabled={action.busy}>{t(action.busy ? 'action.saving' : 'action.save')}</button>
        <button type="button" class="btn" onClick={() => done(false)}>{t('action.cancel')}</button>
      </div>
    </form>
  );
}

export default function DataTab({ device, reload }: TabProps) {
  const [editing, edit] = useState(false);
  const [removing, remove] = useState(false);
  const [forgetting, forget] = useState(false);
  const action = useAction();
  return (
    <div class="stack">
    <section class="card">
      <div class="card-head">
        <h2>{t('tab.data')}</h2>
        {may('device.write') && !editing && (
          <div class="form-actions">
            <button type="button" class="btn" onClick={() => edit(true)}><Icon svg={editIcon} />{t('action.edit')}</button>
            <button type="button" class="btn" onClick={() => remove(true)}><Icon svg={trashIcon} />{t('action.delete')}</button>
            {may('data.manage') && <button type="button" class="btn" onClick={() => forget(true)}>{t('device.forget')}</button>}
          </div>
        )}
      </div>
      <div class="card-body">{editing ? <Edit d={device} done={(changed) => { edit(false); if (changed) reload(); }} /> : <Facts d={device} />}</div>
      {forgetting && <Lazy quiet load={loadForget} props={{ device, onClose: () => forget(false) }} />}
      {removing && (
        <Confirm title={t('device.deleteTitle', { name: device.name })} text={t('device.deleteText')} action={t('action.delete')} danger busy={action.busy} error={<ActionError error={action.error} />}
          onClose={() => remove(false)} onConfirm={() => void action.run(async () => { await del(`/devices/${device.id}`); toast(t('device.deleted', { name: device.name })); go('/devices'); })} />
      )}
    </section>
    {!editing && <MeterCommands d={device} reload={reload} />}
    </div>
  );
}
