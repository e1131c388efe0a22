// The form fields of a device, shared by "add" and "edit".
import type { Line, Profile } from '../api/types';
import { t, word } from '../model/i18n';
import { PERIODS } from '../model/schedule';
import { CheckField, PasswordField, SelectField, TextField } from './fields';
import { BAUDS, KINDS, type DeviceForm, type Wrong } from './device-form';

interface Props {
  f: DeviceForm; change: (f: DeviceForm) => void; wrong: Wrong | null; lines: Line[]; profiles: Profile[];
  medium: 'mbus' | 'modbus' | 'radio'; hasKey?: boolean; part: 'identity' | 'place' | 'reading';
}

export function DeviceFields({ f, change, wrong, lines, profiles, medium, hasKey = false, part }: Props) {
  const set = <K extends keyof DeviceForm>(k: K) => (v: DeviceForm[K]): void => change({ ...f, [k]: v });
  const bad = (k: keyof DeviceForm): string | null => (wrong?.field === k ? wrong.text : null);
  const usable = lines.filter((l) => (medium === 'modbus' ? l.kind.startsWith('modbus') : medium === 'mbus' ? l.kind.startsWith('mbus') : /wmbus|folder/.test(l.kind)));
  const fitting = profiles.filter((p) => medium === 'modbus' ? p.protocol.includes('modbus') : !p.protocol.includes('modbus'));
  if (part === 'place') {
    return (
      <div class="form-grid">
        <TextField label={t('col.name')} value={f.name} onChange={set('name')} error={bad('name')} required maxLength={120} />
        <SelectField label={t('col.kind')} value={f.kind} onChange={set('kind')} error={bad('kind')} options={KINDS.map((k) => [k, word('kind', k)])} />
        <TextField label={t('col.address')} value={f.address} onChange={set('address')} error={bad('address')} />
        <TextField label={t('deviceForm.city')} value={f.city} onChange={set('city')} error={bad('city')} />
        <TextField label={t('deviceForm.latitude')} value={f.latitude} onChange={set('latitude')} error={bad('latitude')} inputMode="decimal" />
        <TextField label={t('deviceForm.longitude')} value={f.longitude} onChange={set('longitude')} error={bad('longitude')} inputMode="decimal" />
      </div>
    );
  }
  if (part === 'reading') {
    const s = f.schedule;
    return (
      <div class="form-grid">
        {medium !== 'radio' && <SelectField label={t('col.schedule')} value={s.kind} onChange={(kind) => set('schedule')({ ...s, kind: kind as typeof s.kind })} options={[['every', t('schedule.every')], ['daily', t('schedule.daily')], ['none', t('schedule.none')]]} />}
        {medium !== 'radio' && s.kind === 'every' && <SelectField label={t('schedule.period')} value={String(s.minutes)} onChange={(m) => set('schedule')({ ...s, minutes: Number(m) })} options={[...new Set([...PERIODS, s.minutes])].sort((a, b) => a - b).map((m) => [String(m), m % 60 === 0 ? t('schedule.hours', { n: m / 60 }) : t('schedule.minutes', { n: m })])} />}
        {medium !== 'radio' && s.kind === 'daily' && <SelectField label={t('schedule.days')} value={s.days} onChange={(days) => set('schedule')({ ...s, days })} options={[...new Set(['daily', 'Mon-Fri', 'Sat-Sun', s.days])].map((x) => [x, word('days', x)])} />}
        {medium !== 'radio' && s.kind === 'daily' && <TextField label={t('schedule.time')} value={s.time} onChange={(time) => set('schedule')({ ...s, time })} error={bad('schedule')} placeholder="03:10" />}
        <CheckField label={t('deviceForm.enabled')} checked={f.enabled} onChange={set('enabled')} />
      </div>
    );
  }
  return (
    <div class="form-grid">
      <SelectField label={t('col.line')} value={f.line} onChange={set('line')} error={bad('line')} options={[['', medium === 'radio' ? t('device.anyLine') : t('deviceForm.chooseLine')], ...usable.map((l): [string, string] => [String(l.id), l.name])]} />
      {medium === 'mbus' && <SelectField label={t('deviceForm.addressing')} value={f.secondary ? 's' : 'p'} onChange={(v) => set('secondary')(v === 's')} options={[['p', t('deviceForm.primary')], ['s', t('deviceForm.secondary')]]} />}
      {medium === 'mbus' && !f.secondary && <TextField label={t('deviceForm.primaryAddress')} value={f.primary} onChange={set('primary')} error={bad('primary')} inputMode="numeric" hint={t('deviceForm.primaryHint')} />}
      {medium === 'mbus' && usable.find((l) => String(l.id) === f.line)?.kind === 'mbus-serial' && <SelectField label={t('line.baud')} value={f.baud} onChange={set('baud')} error={bad('baud')} options={[['0', t('deviceForm.lineBaud')], ...BAUDS.map((b): [string, string] => [String(b), String(b)])]} />}
      {medium === 'modbus' && <TextField label={t('deviceForm.unit')} value={f.unit} onChange={set('unit')} error={bad('unit')} inputMode="numeric" hint={t('deviceForm.unitHint')} />}
      {(medium !== 'mbus' || f.secondary || f.serial) && medium !== 'modbus' && <TextField label={t('col.serial')} value={f.serial} onChange={set('serial')} error={bad('serial')} hint={t('deviceForm.serialHint')} autocapitalize="characters" spellcheck={false} />}
      {medium === 'modbus' && <TextField label={t('col.serial')} value={f.serial} onChange={set('serial')} error={bad('serial')} />}
      {medium !== 'modbus' && <TextField label={t('col.manufacturer')} value={f.manufacturer} onChange={set('manufacturer')} error={bad('manufacturer')} hint={t('deviceForm.makerHint')} maxLength={3} autocapitalize="characters" spellcheck={false} />}
      <SelectField label={t('col.profile')} value={f.profile} onChange={set('profile')} error={bad('profile')} options={[['', medium === 'modbus' ? t('deviceForm.chooseProfile') : t('deviceForm.matchProfile')], ...fitting.map((p): [string, string] => [p.name, p.title])]} />
      {medium !== 'modbus' && <PasswordField label={t('deviceForm.key')} hint={hasKey ? t('deviceForm.keyKept') : t('deviceForm.keyHint')} value={f.key} onChange={set('key')} error={bad('key')} autocomplete="off" />}
    </div>
  );
}
