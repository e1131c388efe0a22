// The fields of a device as a form sees them, and back.
import type { Device, DeviceInput, Found } from '../api/types';
import { t } from '../model/i18n';
import { parseDecimal } from '../model/numbers';
import { parseHex } from '../model/hex';
import { parseSchedule, scheduleText, type Schedule } from '../model/schedule';

export interface DeviceForm {
  name: string; kind: string; profile: string; line: string; manufacturer: string; serial: string;
  primary: string; secondary: boolean; baud: string; unit: string; key: string;
  address: string; city: string; latitude: string; longitude: string; schedule: Schedule; enabled: boolean;
}
/** Rates of the M-Bus. */
export const BAUDS = [300, 600, 1200, 2400, 4800, 9600, 19200, 38400];
export const KINDS = ['heat_meter', 'cooling_meter', 'water_meter', 'hca', 'electricity_meter', 'controller', 'generic'];

const num = (v: number | null | undefined): string => (v === null || v === undefined ? '' : String(v));

export function formOf(d: Partial<Device>): DeviceForm {
  return {
    name: d.name ?? '', kind: d.kind ?? 'heat_meter', profile: d.profile ?? '', line: d.line ? String(d.line) : '', manufacturer: d.manufacturer ?? '', serial: d.serial ?? '',
    primary: num(d.primary_address), secondary: d.secondary ?? false, baud: String(d.baud ?? 0), unit: num(d.unit_id), key: '',
    address: d.address ?? '', city: d.city ?? '', latitude: d.latitude ? String(d.latitude) : '', longitude: d.longitude ? String(d.longitude) : '',
    schedule: parseSchedule(d.schedule ?? 'every 15 min'), enabled: d.enabled ?? true,
  };
}

export interface Wrong { field: keyof DeviceForm; text: string }
type Medium = 'mbus' | 'modbus' | 'radio';

function coordinate(text: string, limit: number): number | null | undefined {
  if (!text.trim()) return null;
  const v = parseDecimal(text);
  return v === null || Math.abs(v) > limit ? undefined : v;
}

/** What is sent, or the first field that has to change. */
export function inputOf(f: DeviceForm, medium: Medium, o: { nameless?: boolean } = {}): { input: DeviceInput; wrong: Wrong | null } {
  const no = (field: keyof DeviceForm, text: string) => ({ input: {}, wrong: { field, text } });
  if (!o.nameless && !f.name.trim()) return no('name', t('deviceForm.nameMissing'));
  if (medium !== 'radio' && !f.line) return no('line', t('deviceForm.lineMissing'));
  const input: DeviceInput = {
    name: f.name.trim(), kind: f.kind, profile: f.profile, line: f.line ? Number(f.line) : null, serial: f.serial.trim().toUpperCase(), manufacturer: f.manufacturer.trim().toUpperCase(),
    address: f.address.trim(), city: f.city.trim(), schedule: medium === 'radio' ? 'none' : scheduleText(f.schedule), enabled: f.enabled,
  };
  if (medium === 'mbus') {
    const p = f.primary.trim() === '' ? null : parseDecimal(f.primary);
    if (f.primary.trim() !== '' && (p === null || !Number.isInteger(p) || p < 0 || p > 250)) return no('primary', t('deviceForm.primaryWrong'));
    if (f.secondary && !/^[0-9A-F]{8}$/.test(input.serial!)) return no('serial', t('deviceForm.secondaryNeedsSerial'));
    if (!f.secondary && p === null) return no('primary', t('deviceForm.primaryMissing'));
    input.primary_address = p;
    input.secondary = f.secondary;
    input.baud = Number(f.baud);
  }
  if (medium === 'modbus') {
    const u = parseDecimal(f.unit);
    if (u === null || !Number.isInteger(u) || u < 0 || u > 255) return no('unit', t('deviceForm.unitWrong'));
    if (!f.profile) return no('profile', t('deviceForm.profileMissing'));
    input.unit_id = u;
  }
  if (medium === 'radio' && !/^[0-9A-F]{8}$/.test(input.serial!)) return no('serial', t('deviceForm.serialWrong'));
  if (input.manufacturer && !/^[A-Z]{3}$/.test(input.manufacturer)) return no('manufacturer', t('deviceForm.makerWrong'));
  if (f.key.trim()) {
    const k = parseHex(f.key);
    if (k.error || k.bytes.length !== 16) return no('key', t('inspector.badKey16'));
    input.key = [...k.bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
  }
  const lat = coordinate(f.latitude, 90);
  const lon = coordinate(f.longitude, 180);
  if (lat === undefined) return no('latitude', t('deviceForm.latitudeWrong'));
  if (lon === undefined) return no('longitude', t('deviceForm.longitudeWrong'));
  const placed = lat !== null && lon !== null;
  input.latitude = placed ? lat : null;
  input.longitude = placed ? lon : null;
  return { input, wrong: null };
}

export const mediumOf = (lineKind: string | undefined): Medium => (lineKind?.startsWith('modbus') ? 'modbus' : lineKind?.startsWith('mbus') ? 'mbus' : 'radio');

/** A found device as the start of a form: identity known, the rest as usual. */
export function formOfFound(found: Found, line: number | null, kind: string): DeviceForm {
  return {
    ...formOf({ line, kind, profile: '' }), name: [found.manufacturer, found.serial].filter(Boolean).join(' '), manufacturer: found.manufacturer ?? '', serial: found.serial ?? '',
    primary: num(found.primary_address), secondary: found.primary_address === null || found.primary_address === 253, unit: num(found.unit_id), profile: found.profile ?? '',
  };
}
