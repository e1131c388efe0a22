// Add or edit a line: only the fields that its kind has.
import { useState } from 'preact/hooks';
import { ApiError, patch, post } from '../api/client';
import type { Line, LineInput } from '../api/types';
import { t, word } from '../model/i18n';
import { parseDecimal } from '../model/numbers';
import { Dialog } from './dialog';
import { CheckField, PasswordField, SelectField, TextField } from './fields';
import { ActionError } from './states';

export const LINE_KINDS = ['mbus-tcp', 'mbus-serial', 'modbus-tcp', 'modbus-rtu-tcp', 'modbus-serial', 'wmbus-tcp', 'wmbus-tcp-listen', 'wmbus-udp-listen', 'wmbus-mqtt', 'wmbus-serial', 'drop-folder'];
/** What receivers speak, with their usual rate on a serial port. */
const RECEIVERS: Record<string, string> = { 'auto': '38400', 'im871a': '57600', 'amb8465': '9600', 'amb8465-rssi': '9600', 'cul-t': '38400', 'cul-c': '38400', 'cul-s': '38400', 'rc1180': '19200', 'rc1180-rssi': '19200', 'iu891a': '115200', 'embit': '9600', 'chips': '115200' };
const has = {
  host: (k: string) => !/serial|folder/.test(k),
  path: (k: string) => /serial|folder/.test(k),
  serial: (k: string) => /serial/.test(k),
  radio: (k: string) => /^wmbus/.test(k),
  mqtt: (k: string) => k === 'wmbus-mqtt',
  polled: (k: string) => /^m(od)?bus/.test(k),
  tcp: (k: string) => /^m(od)?bus.*tcp$/.test(k),
};
const PORTS: Record<string, string> = { 'mbus-tcp': '10001', 'modbus-tcp': '502', 'modbus-rtu-tcp': '4001', 'wmbus-tcp': '1234', 'wmbus-tcp-listen': '4444', 'wmbus-udp-listen': '4444', 'wmbus-mqtt': '1883' };
const BAUDS = ['300', '600', '1200', '2400', '4800', '9600', '19200', '38400', '57600', '115200'];

type Form = Record<'name' | 'kind' | 'receiver' | 'host' | 'port' | 'path' | 'baud' | 'parity' | 'topic' | 'login' | 'password' | 'ca_file' | 'cert_file' | 'key_file' | 'client_id' | 'timeout_ms' | 'retries' | 'delay_ms', string> & { tls: boolean; echo: boolean; per_cycle: boolean; enabled: boolean };
const TLS_FILES = ['ca_file', 'cert_file', 'key_file'] as const;
type Numeric = 'port' | 'baud' | 'timeout_ms' | 'retries' | 'delay_ms';
const NUMERIC: Numeric[] = ['port', 'baud', 'timeout_ms', 'retries', 'delay_ms'];

function start(line: Line | null): Form {
  const n = (v: number | undefined, none: string): string => (v ? String(v) : none);
  return {
    name: line?.name ?? '', kind: line?.kind ?? 'mbus-tcp', host: line?.host ?? '', port: n(line?.port, PORTS[line?.kind ?? 'mbus-tcp'] ?? ''), path: line?.path ?? '', baud: n(line?.baud, '2400'),
    parity: line?.parity || 'E', receiver: line?.receiver ?? 'auto', topic: line?.topic ?? '', login: line?.login ?? '', password: '', tls: line?.tls ?? false, ca_file: line?.ca_file ?? '', cert_file: line?.cert_file ?? '', key_file: line?.key_file ?? '', client_id: line?.client_id ?? '',
    timeout_ms: n(line?.timeout_ms, ''), retries: line ? String(line.retries) : '2', delay_ms: n(line?.delay_ms, '0'),
    echo: line?.echo ?? false, per_cycle: line?.per_cycle ?? false, enabled: line?.enabled ?? true,
  };
}

function toInput(f: Form): { input: LineInput; wrong: { field: string; text: string } | null } {
  if (!f.name.trim()) return { input: {}, wrong: { field: 'name', text: t('line.nameMissing') } };
  if (has.host(f.kind) && !/listen/.test(f.kind) && !f.host.trim()) return { input: {}, wrong: { field: 'host', text: t('line.hostMissing') } };
  if (has.path(f.kind) && !f.path.trim()) return { input: {}, wrong: { field: 'path', text: t('line.pathMissing') } };
  if (has.mqtt(f.kind) && !f.topic.trim()) return { input: {}, wrong: { field: 'topic', text: t('line.topicMissing') } };
  const input: LineInput = { name: f.name.trim(), kind: f.kind, enabled: f.enabled };
  for (const k of NUMERIC) {
    const used = k === 'port' ? has.host(f.kind) : k === 'baud' ? has.serial(f.kind) : has.polled(f.kind);
    if (!used) continue;
    const v = f[k].trim() === '' ? 0 : parseDecimal(f[k]);
    if (v === null || v < 0 || !Number.isInteger(v) || (k === 'port' && (v < 1 || v > 65535))) return { input: {}, wrong: { field: k, text: t(k === 'port' ? 'line.portWrong' : 'line.numberWrong') } };
    input[k] = v;
  }
  if (has.host(f.kind)) input.host = f.host.trim();
  if (has.path(f.kind)) input.path = f.path.trim();
  if (has.serial(f.kind)) input.parity = f.parity;
  if (has.radio(f.kind)) input.receiver = f.receiver;
  if (has.polled(f.kind)) input.echo = f.echo;
  if (has.tcp(f.kind)) input.per_cycle = f.per_cycle;
  if (has.mqtt(f.kind)) { input.topic = f.topic.trim(); input.login = f.login.trim(); if (f.password) input.password = f.password; input.tls = f.tls; for (const k of TLS_FILES) input[k] = f[k].trim(); input.client_id = f.client_id.trim(); }
  return { input, wrong: null };
}

export function LineForm({ line, onClose, onSaved }: { line: Line | null; onClose: () => void; onSaved: (l: Line) => void }) {
  const [f, setForm] = useState<Form>(start(line));
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const set = (k: keyof Form) => (v: string): void => { setForm({ ...f, [k]: v }); if (wrong?.field === k) setWrong(null); };
  const bad = (k: string): string | null => (wrong?.field === k ? wrong.text : null);
  const setKind = (kind: string): void => setForm({ ...f, kind, port: PORTS[kind] ?? f.port, ...(kind === 'wmbus-serial' ? { baud: RECEIVERS[f.receiver] ?? f.baud, parity: 'N' } : {}) });
  const setReceiver = (receiver: string): void => setForm({ ...f, receiver, ...(f.kind === 'wmbus-serial' ? { baud: RECEIVERS[receiver] ?? f.baud } : {}) });

  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    const r = toInput(f);
    setWrong(r.wrong);
    setError(null);
    if (r.wrong || busy) return;
    setBusy(true);
    try {
      onSaved(line ? await patch<Line>(`/lines/${line.id}`, { ...r.input, revision: line.revision }) : await post<Line>('/lines', r.input));
    } catch (x) {
      const err = x as ApiError;
      if (err.field && err.field in f) setWrong({ field: err.field, text: err.detail }); else setError(err);
    } finally { setBusy(false); }
  };

  return (
    <Dialog title={t(line ? 'line.editTitle' : 'line.addTitle')} onClose={onClose} wide>
      <form class="form form-full" onSubmit={submit} noValidate>
        <div class="form-grid">
          <TextField label={t('col.name')} value={f.name} onChange={set('name')} error={bad('name')} autofocus required maxLength={64} />
          <SelectField label={t('line.kind')} value={f.kind} onChange={setKind} error={bad('kind')} disabled={!!line} options={LINE_KINDS.map((k) => [k, word('line', k)])} />
        </div>
        <p class="grey">{word('lineHint', f.kind)}</p>
        <div class="form-grid">
          {has.host(f.kind) && <TextField label={t(/listen/.test(f.kind) ? 'line.listenOn' : 'line.host')} hint={/listen/.test(f.kind) ? t('line.listenHint') : undefined} value={f.host} onChange={set('host')} error={bad('host')} autocapitalize="none" spellcheck={false} />}
          {has.host(f.kind) && <TextField label={t('line.port')} value={f.port} onChange={set('port')} error={bad('port')} inputMode="numeric" />}
          {has.path(f.kind) && <TextField label={t(has.serial(f.kind) ? 'line.device' : 'line.folder')} value={f.path} onChange={set('path')} error={bad('path')} placeholder={has.serial(f.kind) ? '/dev/ttyUSB0' : '/var/spool/hypocaust'} autocapitalize="none" spellcheck={false} />}
          {has.radio(f.kind) && <SelectField label={t('line.receiver')} hint={t('line.receiverHint')} value={f.receiver} onChange={setReceiver} error={bad('receiver')} options={Object.keys(RECEIVERS).map((r) => [r, word('receiver', r)])} />}
          {has.serial(f.kind) && <SelectField label={t('line.baud')} value={f.baud} onChange={set('baud')} options={BAUDS.map((b) => [b, b])} />}
          {has.serial(f.kind) && <SelectField label={t('line.parity')} value={f.parity} onChange={set('parity')} options={[['E', t('line.even')], ['N', t('line.parityNone')], ['O', t('line.odd')]]} />}
          {has.mqtt(f.kind) && <TextField label={t('line.topic')} hint={t('line.topicHint')} value={f.topic} onChange={set('topic')} error={bad('topic')} autocapitalize="none" spellcheck={false} />}
          {has.mqtt(f.kind) && <TextField label={t('signin.login')} value={f.login} onChange={set('login')} autocomplete="off" />}
          {has.mqtt(f.kind) && <PasswordField label={t('signin.password')} hint={line?.has_password ? t('line.passwordKept') : undefined} value={f.password} onChange={set('password')} autocomplete="new-password" />}
        </div>
        {has.mqtt(f.kind) && (
          <details open={f.tls}>
            <summary>{t('line.tlsTitle')}</summary>
            <div class="form-grid form-inner">
              <CheckField label={t('line.tls')} hint={t('line.tlsHint')} checked={f.tls} onChange={(v) => setForm({ ...f, tls: v, port: f.port === (v ? '1883' : '8883') ? (v ? '8883' : '1883') : f.port })} />
              <TextField label={t('line.clientId')} hint={t('line.clientIdHint')} value={f.client_id} onChange={set('client_id')} error={bad('client_id')} maxLength={63} autocapitalize="none" spellcheck={false} />
              {f.tls && TLS_FILES.map((k) => <TextField key={k} label={t(`line.${k}`)} hint={t(`line.${k}Hint`)} value={f[k]} onChange={set(k)} error={bad(k)} placeholder={`/etc/hypocaust/${k.replace('_file', '')}.pem`} autocapitalize="none" spellcheck={false} />)}
            </div>
          </details>
        )}
        {has.polled(f.kind) && (
          <details>
            <summary>{t('line.timing')}</summary>
            <div class="form-grid form-inner">
              <TextField label={t('line.timeout')} hint={t('line.timeoutHint')} value={f.timeout_ms} onChange={set('timeout_ms')} error={bad('timeout_ms')} inputMode="numeric" />
              <TextField label={t('line.retries')} value={f.retries} onChange={set('retries')} error={bad('retries')} inputMode="numeric" />
              <TextField label={t('line.delay')} hint={t('line.delayHint')} value={f.delay_ms} onChange={set('delay_ms')} error={bad('delay_ms')} inputMode="numeric" />
              <CheckField label={t('line.echo')} hint={t('line.echoHint')} checked={f.echo} onChange={(v) => setForm({ ...f, echo: v })} />
              {has.tcp(f.kind) && <CheckField label={t('line.perCycle')} hint={t('line.perCycleHint')} checked={f.per_cycle} onChange={(v) => setForm({ ...f, per_cycle: v })} />}
            </div>
          </details>
        )}
        <CheckField label={t('line.enabled')} checked={f.enabled} onChange={(v) => setForm({ ...f, enabled: v })} />
        <ActionError error={error} />
        <div class="dialog-actions">
          <button type="button" class="btn" onClick={onClose}>{t('action.cancel')}</button>
          <button type="submit" class="btn btn-primary" disabled={busy}>{t(busy ? 'action.saving' : 'action.save')}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** "10.0.0.5:10001", "/dev/ttyUSB0", "broker:1883 wmbus/#". */
export function endpoint(l: Line): string {
  if (has.path(l.kind)) return l.path + (has.serial(l.kind) && l.baud ? ` ${l.baud} 8${l.parity || 'E'}1` : '');
  const at = `${l.host || '*'}:${l.port}`;
  return l.topic ? `${at} ${l.topic}` : at;
}
export const canScan = (l: Line): boolean => has.polled(l.kind);
export const isRadio = (l: Line): boolean => l.kind.startsWith('wmbus');
