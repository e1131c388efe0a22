// Commands to a wired meter: application reset, primary address, rate. Each says what it does
// before it is sent, and shows what became of it.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, post } from '../api/client';
import type { Device, Job, Line } from '../api/types';
import { t, word } from '../model/i18n';
import { parseDecimal } from '../model/numbers';
import { isRunning } from '../model/status';
import { useAction, useResource } from '../live/resource';
import { may } from '../live/session';
import { BAUDS } from './device-form';
import { Dialog } from './dialog';
import { SelectField, TextField } from './fields';
import { JobProgress, useJobDetail } from './job-progress';
import { ActionError } from './states';

type Command = 'reset' | 'address' | 'baud';

/** What is sent, or why it cannot be. */
function bodyOf(command: Command, value: string): { body: Record<string, number | null>; wrong: string | null } {
  const n = value.trim() === '' ? null : parseDecimal(value);
  const whole = n !== null && Number.isInteger(n) && n >= 0;
  if (command === 'address') return { body: { address: n }, wrong: whole && n <= 250 ? null : t('deviceForm.primaryWrong') };
  if (command === 'baud') return { body: { baud: n }, wrong: null };
  return { body: { subcode: n }, wrong: value.trim() === '' || (whole && n <= 255) ? null : t('meter.subcodeWrong') };
}

function CommandDialog({ d, line, command, onClose, onDone }: { d: Device; line: Line; command: Command; onClose: () => void; onDone: () => void }) {
  const [value, change] = useState(command === 'baud' ? String(d.baud || line.baud) : '');
  const [wrong, setWrong] = useState<string | null>(null);
  const [id, setId] = useState<number | null>(null);
  const action = useAction();
  const job = useJobDetail(id);
  const running = id !== null && (!job || isRunning(job.state));
  const good = job?.state === 'done';
  useEffect(() => { if (job && !isRunning(job.state)) onDone(); }, [job?.state]);
  const send = async (e: Event): Promise<void> => {
    e.preventDefault();
    const r = bodyOf(command, value);
    setWrong(r.wrong);
    if (r.wrong) return;
    await action.run(async () => {
      try { setId(null); setId((await post<Job>(`/devices/${d.id}/${command}`, r.body)).id); }
      catch (x) { if (x instanceof ApiError && x.field === 'address') setWrong(x.detail); else throw x; }
    });
  };
  return (
    <Dialog title={t(`meter.${command}Title`, { name: d.name })} onClose={onClose}>
      <form class="form form-full" onSubmit={send} noValidate>
        <p>{t(`meter.${command}Text`)}</p>
        {command === 'address' && <TextField label={t('meter.newAddress')} value={value} onChange={change} error={wrong} inputMode="numeric" required autofocus />}
        {command === 'baud' && <SelectField label={t('line.baud')} value={value} onChange={change} options={BAUDS.map((b) => [String(b), String(b)])} />}
        {command === 'reset' && <TextField label={t('meter.subcode')} hint={t('meter.subcodeHint')} value={value} onChange={change} error={wrong} inputMode="numeric" autofocus />}
        <ActionError error={action.error} />
        {job && <JobProgress job={job} />}
        {good && <p class="note" role="status">{t('meter.taken')}</p>}
        <div class="dialog-actions">
          <button type="button" class="btn" onClick={onClose}>{t(good ? 'action.close' : 'action.cancel')}</button>
          {!good && <button type="submit" class="btn btn-danger" disabled={running || action.busy}>{t(`meter.${command}Send`)}</button>}
        </div>
      </form>
    </Dialog>
  );
}

/** Nothing for whoever may not, and for devices that are no wired meters. */
export function MeterCommands({ d, reload }: { d: Device; reload: () => void }) {
  const allowed = may('device.command') && d.line !== null;
  const line = useResource(allowed ? `line${d.line}` : 'no-line', (s) => (allowed ? get<Line>(`/lines/${d.line}`, {}, s) : Promise.resolve(null))).data;
  const [open, show] = useState<Command | null>(null);
  if (!line?.kind.startsWith('mbus')) return null;
  const commands: Command[] = line.kind === 'mbus-serial' ? ['reset', 'address', 'baud'] : ['reset', 'address'];
  return (
    <section class="card">
      <div class="card-head"><h2>{t('meter.title')}</h2><span class="grey small">{word('line', line.kind)}</span></div>
      <div class="card-body stack">
        <p class="grey">{t('meter.text')}</p>
        <div class="form-actions">{commands.map((c) => <button key={c} type="button" class="btn" onClick={() => show(c)}>{t(`meter.${c}`)}</button>)}</div>
      </div>
      {open && <CommandDialog d={d} line={line} command={open} onClose={() => show(null)} onDone={reload} />}
    </section>
  );
}
