// Add a device: find it on the bus, test it by address, or choose from the radio meters heard.
// Values are shown before anything is saved.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, post } from '../api/client';
import type { Device, Found, Job, Line, List, Profile } from '../api/types';
import { t, word } from '../model/i18n';
import { isRunning } from '../model/status';
import { go, query, setQuery } from '../live/router';
import { useAction, useResource } from '../live/resource';
import { DeviceFields } from '../parts/device-fields';
import { formOf, formOfFound, inputOf, type DeviceForm, type Wrong } from '../parts/device-form';
import { Choices, SelectField } from '../parts/fields';
import { JobProgress, useJobDetail } from '../parts/job-progress';
import { adopt, FoundTable, foundKey, kindOf, ScanPanel, type Choices as Chosen } from '../parts/scan';
import { ActionError, Empty, Loaded } from '../parts/states';
import { toast } from '../parts/toast';
import { pointTitle, ValueText } from '../parts/value';

type Way = 'scan' | 'mbus' | 'modbus' | 'radio';
const WAYS: Way[] = ['scan', 'mbus', 'modbus', 'radio'];

function TestResult({ job }: { job: Job }) {
  if (job.state === 'error' || job.state === 'done_with_errors' && !job.values?.length) {
    return <div class="note note-warn wrap"><strong>{t('add.testFailed')}</strong> {job.text || t('add.testFailedText')}</div>;
  }
  if (isRunning(job.state) || !job.values) return <JobProgress job={job} />;
  const m = job.meter;
  return (
    <section class="card">
      <div class="card-head"><h2>{t('add.answer')}</h2>{m?.id && <span>{[m.manufacturer, m.id].filter(Boolean).join(' ')} <span class="grey">{word('medium', m.medium_text)}</span></span>}</div>
      {(job.values?.length ?? 0) === 0 ? <p class="pad grey">{t('add.noValues')}</p> : (
        <div class="table-box found-box">
          <table class="table">
            <thead><tr><th>{t('values.name')}</th><th class="num">{t('col.value')}</th><th>{t('values.quality')}</th></tr></thead>
            <tbody>{job.values!.map((v, i) => <tr key={i}><td>{pointTitle(v)}</td><td class="num"><b><ValueText v={v} /></b></td><td class="grey">{word('quality', v.quality)}</td></tr>)}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** One device by its address: test, look at the values, save. */
function ByAddress({ medium, lines, profiles, start }: { medium: 'mbus' | 'modbus' | 'radio'; lines: Line[]; profiles: Profile[]; start: DeviceForm }) {
  const [f, change] = useState<DeviceForm>(start);
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const [id, setId] = useState<number | null>(null);
  const testing = useAction();
  const saving = useAction();
  const job = useJobDetail(id);

  // The answer names the device: fields left empty take what it says.
  useEffect(() => {
    if (!job || job.state !== 'done') return;
    const m = job.meter;
    change((x) => ({ ...x, serial: x.serial || (m?.id ?? ''), manufacturer: x.manufacturer || (m?.manufacturer ?? ''), profile: x.profile || (job.profile ?? ''), name: x.name || [m?.manufacturer, m?.id].filter(Boolean).join(' ') }));
  }, [job?.state]);

  const fieldError = (x: unknown): void => {
    if (x instanceof ApiError && x.field && x.field in f) setWrong({ field: x.field as keyof DeviceForm, text: x.detail }); else throw x;
  };
  const test = (): void => {
    const r = inputOf(f, medium, { nameless: true });
    setWrong(r.wrong);
    if (r.wrong) return;
    void testing.run(async () => { try { setId(null); setId((await post<Job>('/devices/test', r.input)).id); } catch (x) { fieldError(x); } });
  };
  const save = (e: Event): void => {
    e.preventDefault();
    const r = inputOf(f, medium);
    setWrong(r.wrong);
    if (r.wrong) return;
    void saving.run(async () => {
      try { const d = await post<Device>('/devices', r.input); toast(t('add.added', { name: d.name })); go(`/devices/${d.id}`); } catch (x) { fieldError(x); }
    });
  };
  const common = { f, change, wrong, lines, profiles, medium };
  const usable = lines.some((l) => (medium === 'modbus' ? l.kind.startsWith('modbus') : l.kind.startsWith('mbus')));
  if (medium !== 'radio' && !usable) return <Empty title={t('add.noLine')} text={t('add.noLineText')}><a class="btn btn-primary" href="/lines?add=1">{t('line.addTitle')}</a></Empty>;
  return (
    <form class="form form-full" onSubmit={save} noValidate>
      <section class="stack"><h2>{t('add.where')}</h2><DeviceFields {...common} part="identity" /></section>
      {medium !== 'radio' && (
        <section class="stack">
          <div class="form-actions"><button type="button" class="btn" disabled={testing.busy || (!!job && isRunning(job.state))} onClick={test}>{t('add.test')}</button><span class="grey">{t('add.testHint')}</span></div>
          <ActionError error={testing.error} />
          {job && <TestResult job={job} />}
        </section>
      )}
      <section class="stack"><h2>{t('add.what')}</h2><DeviceFields {...common} part="place" /></section>
      <section class="stack"><h2>{t('add.when')}</h2><DeviceFields {...common} part="reading" /></section>
      <ActionError error={saving.error} />
      <div class="form-actions"><button type="submit" class="btn btn-primary" disabled={saving.busy}>{t(saving.busy ? 'action.saving' : 'add.save')}</button><a class="btn" href="/devices">{t('action.cancel')}</a></div>
    </form>
  );
}

function Heard({ lines, profiles }: { lines: Line[]; profiles: Profile[] }) {
  const heard = useResource('heard', (s) => get<{ items: Found[] }>('/heard', {}, s));
  const [chosen, choose] = useState<Chosen>(new Map());
  const [one, setOne] = useState<Found | null | 'manual'>(null);
  const adding = useAction();
  if (one) return <ByAddress medium="radio" lines={lines} profiles={profiles} start={one === 'manual' ? formOf({ schedule: 'none' }) : formOfFound(one, null, kindOf(one))} />;
  return (
    <Loaded from={heard} what={t('add.heardFailed')}>
      {(h) => (h.items.length === 0 ? (
        <Empty title={t('add.noneHeard')} text={t('add.noneHeardText')}><button type="button" class="btn" onClick={() => setOne('manual')}>{t('add.bySerial')}</button></Empty>
      ) : (
        <div class="stack">
          <p class="grey">{t('add.heardText')}</p>
          <FoundTable radio items={h.items} chosen={chosen} choose={choose} />
          <div class="form-actions">
            <button type="button" class="btn btn-primary" disabled={chosen.size === 0 || adding.busy}
              onClick={() => {
                const picked = h.items.filter((f) => chosen.has(foundKey(f)));
                if (picked.length === 1) { setOne(picked[0]!); return; }
                void adding.run(async () => { const d = await adopt(picked, null, chosen); if (d.length) go('/devices?state=never'); });
              }}>{t('scan.adopt', { n: chosen.size })}</button>
            <button type="button" class="btn" onClick={() => setOne('manual')}>{t('add.bySerial')}</button>
            <button type="button" class="btn btn-quiet" onClick={heard.reload}>{t('add.listenAgain')}</button>
          </div>
        </div>
      ))}
    </Loaded>
  );
}

function Scan({ lines }: { lines: Line[] }) {
  const usable = lines.filter((l) => /^m(od)?bus/.test(l.kind));
  const [line, setLine] = useState('');
  const chosen = usable.find((l) => String(l.id) === line) ?? usable[0];
  if (!chosen) return <Empty title={t('add.noLine')} text={t('add.noLineText')}><a class="btn btn-primary" href="/lines?add=1">{t('line.addTitle')}</a></Empty>;
  return (
    <div class="stack">
      <div class="form"><SelectField label={t('col.line')} value={String(chosen.id)} onChange={setLine} options={usable.map((l) => [String(l.id), `${l.name} (${word('line', l.kind)})`])} /></div>
      <ScanPanel key={chosen.id} line={chosen} onClose={() => go('/devices')} onAdded={(d) => go(d.length === 1 ? `/devices/${d[0]!.id}` : `/devices?line=${chosen.id}&state=never`)} />
    </div>
  );
}

export default function DeviceNew() {
  const lines = useResource('lines', (s) => get<List<Line>>('/lines', { limit: 1000 }, s));
  const profiles = useResource('profiles', (s) => get<List<Profile>>('/profiles', { limit: 1000 }, s)).data?.items ?? [];
  const way: Way = WAYS.find((w) => w === query.value['way']) ?? 'scan';
  return (
    <>
      <div class="crumbs"><a href="/devices">{t('nav.devices')}</a></div>
      <div class="page-head"><h1>{t('add.title')}</h1></div>
      <div class="card card-body stack">
        <Choices legend={t('add.way')} value={way} onChange={(w) => setQuery({ way: w }, false)} options={[
          { value: 'scan', title: t('add.wayScan'), text: t('add.wayScanText') }, { value: 'mbus', title: t('add.wayMbus'), text: t('add.wayMbusText') },
          { value: 'modbus', title: t('add.wayModbus'), text: t('add.wayModbusText') }, { value: 'radio', title: t('add.wayRadio'), text: t('add.wayRadioText') },
        ]} />
        <Loaded from={lines} what={t('line.listFailed')}>
          {(l) => (way === 'scan' ? <Scan lines={l.items} /> : way === 'radio' ? <Heard lines={l.items} profiles={profiles} /> : (
            <ByAddress key={way} medium={way} lines={l.items} profiles={profiles} start={formOf({ kind: way === 'modbus' ? 'controller' : 'heat_meter', unit_id: way === 'modbus' ? 1 : null })} />
          ))}
        </Loaded>
      </div>
    </>
  );
}
