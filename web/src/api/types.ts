// The server's answers, as docs/openapi.yaml states them.

export type Role = 'admin' | 'reader';
export type DeviceState = 'ok' | 'stale' | 'failing' | 'never' | 'disabled';
export type Severity = 'normal' | 'low' | 'medium' | 'high' | 'critical';

export interface Status { product: string; version: string; first_run: boolean; time: string }

export interface Session {
  user: { id: number; login: string; name: string; role: Role; language: string; theme: string };
  tenant: { id: number; name: string; time_zone: string };
  csrf: string;
  permissions: string[];
}

export interface User {
  id: number; login: string; name: string; role: Role; enabled: boolean;
  created: string; last_login: string | null; revision: number;
}

export interface Token {
  id: number; name: string; role: Role; created: string; expires: string | null;
  last_used?: string | null; token?: string;
}

export interface AuditEntry {
  time: string; user: number | null; login: string; action: string; detail: string;
  /** "device:17", its name and, of a register, its key; the name is empty when it is gone. */
  object: string; object_name: string; object_key: string; device: number | null; line: number | null;
}

/** Lists without an end in sight (telegrams, audit log) come without a total. */
export interface OpenList<T> { total?: number; offset: number; items: T[] }
export interface List<T> { total: number; offset: number; items: T[] }

export interface Overview {
  devices: { total: number; ok: number; stale: number; failing: number; never: number; disabled?: number };
  lines: { total: number; connected: number; failed: number };
  values: number; readings_today: number; frames: number;
  jobs: { running: number };
  store: { bytes: number; last_commit: string; error: string };
  by_kind: Record<string, number>;
  started: string;
}

export interface Device {
  id: number; name: string; kind: string; profile: string; profile_title: string;
  manufacturer: string; serial: string; version: number | null; medium: number | null; medium_text: string;
  primary_address: number | null; secondary: boolean; baud: number; unit_id: number | null;
  line: number | null; line_name: string; has_key: boolean;
  /** Its line asks it; others send by themselves. */
  polled: boolean;
  address: string; city: string; latitude: number | null; longitude: number | null;
  schedule: string; enabled: boolean; battery: boolean; revision: number; created: string;
  state: DeviceState; last_reading: string | null; last_success: string | null; last_attempt: string | null; last_error: string;
  info_severity: Severity; headline: { key: string; text: string; unit: string } | null;
}

export interface DeviceList extends List<Device> {
  facets: { kind: Record<string, number>; state: Record<string, number>; line: Record<string, number> };
}

/** What a form sends: every field optional, the key is write-only. */
export type DeviceInput = Partial<Omit<Device, 'id' | 'state'>> & { key?: string };

export interface Value {
  point: number; key: string; name: string; label: string; quantity: string; unit: string;
  aggregation: string; function: string; storage: number; tariff: number; subunit: number;
  kind: string; value: number | string | null; text: string; quality: string;
  time: string; receive_time: string; age_s: number; frame: number | null; source: string;
}

/** A bit (0..63) or, where a maker counts faults in numbers, a code; the other is null. */
export interface InfoBit { bit: number | null; code: number | null; name: string; text: string; severity: Severity }
export interface Latest { device: number; values: Value[]; info: InfoBit[] }

export interface Point {
  point: number; key: string; name: string; label: string; unit: string; kind: string;
  quantity: string; aggregation: string;
}

/** A calendar period of a register; delta is what a counter counted. */
export interface Period {
  start: string; end: string; count: number; min: number | null; mean: number | null; max: number | null;
  first: number | null; last: number | null; delta: number | null; flags: string[];
  /** The worst of the values it rests on; null where there are none. */
  quality: string | null;
}
/** What a counter counted in all periods; `absent` of them are over and not known. */
export interface Sum { sum: number | null; absent: number; quality: string | null; flags: string[] }
export interface Periods extends Sum { point: number; device: number; step: string; items: Period[] }

/** An exchange of the meter or a reset of its register, as a person told it. */
export interface CounterEvent {
  id: number; time: string; kind: 'exchange' | 'reset'; closing: number; opening: number;
  user: number | null; user_name: string; entered: string; note: string;
}
export interface Counting {
  point: number; device: number; unit: string; digits: number | null; settlement_day: number; settlement_hour: number; events: CounterEvent[];
}

export interface Reading {
  time: string; receive_time: string; kind: string; source: string; frame: number | null;
  /** Of merged readings the values that are shown, each with the number of its versions. */
  values: { point: number; key: string; value: number | string | null; text: string; quality: string; versions: number }[];
}

/** One of the values that a register has for a time: measured, typed in, corrected ... */
export interface Version {
  time: string | null; kind: string; value: number | string | null; text: string; quality: string; reading: string; source: string;
  received: string | null; shown: boolean; frame: number | null; author: string; reason: string;
}

/** How one receiver (a radio line) hears a device. */
export interface HeardBy { line: number; line_name: string; last_heard: string | null; telegrams: number; of: number; last_dbm: number | null; best_dbm: number | null; newest: boolean }
export interface Reception { telegrams: number; last_heard: string | null; best_dbm: number | null; receivers: HeardBy[] }

export interface Communication {
  state: DeviceState; last_reading: string | null; last_attempt: string | null; last_success: string | null; last_failure: string | null;
  last_status: string; last_error: string; failures_in_row: number; attempts: number; successes: number;
  next_due: string | null; backing_off: boolean; job: JobState | '' | null;
  reception: Reception | null;
  events: { time: string; status: string; text: string }[];
}

export interface FrameSummary {
  id: number; time: string; protocol: string; outcome: string; bytes: number;
  signal_dbm?: number | null; device?: number | null; device_name?: string; line?: number | null; line_name?: string;
  manufacturer?: string; serial?: string;
}

export interface Note {
  stage: number; offset: number; length: number; layer: string; record: number;
  field: string; meaning: string; clause: string;
}

export interface Explain {
  ok: boolean;
  error?: { code: string; offset: number | null; text: string };
  link: string;
  stages: { title: string; hex: string }[];
  notes: Note[];
  meter?: { manufacturer: string; id: string; version: number; medium: number; medium_text: string } | null;
  profile?: string;
  profile_title?: string;
  encryption?: { mode: number; state: string };
  values: Value[];
  /** What its flags say, by the words of the profile. */
  info: InfoBit[];
}

export interface Frame {
  id: number; time: string; device: number | null; line: number | null; protocol: string;
  outcome: string; hex: string; explain: Explain;
  device_name?: string; line_name?: string;
  /** All lines that heard it, the one whose copy is kept first. */
  receivers: { line: number | null; line_name: string; time: string; signal_dbm: number | null }[];
}

export interface Series {
  point: number; device: number; device_name: string; key: string; label: string; unit: string;
  mode: 'raw' | 'buckets'; times: number[]; values?: (number | null)[];
  /** Values that were not simply measured; of buckets, how many of each kind are inside. */
  marks?: { index: number; quality: string; count?: number }[];
  /** Outages within and between buckets. */
  gaps?: { from: number; to: number }[];
  events?: { time: number; kind: 'exchange' | 'reset' }[];
  min?: (number | null)[]; mean?: (number | null)[]; max?: (number | null)[]; last?: (number | null)[];
}
export interface SeriesReply { from: string | number; to: string | number; series: Series[] }

export interface LineState {
  link: string; last_success: string | null; last_error: string; queue_length: number; clients: number;
  active_device: number | null; active_device_name?: string; bytes_in: number; bytes_out: number; frames_in: number; frames_refused: number;
}
export interface Line {
  id: number; name: string; kind: string; host: string; port: number; path: string; baud: number; parity: string;
  receiver: string; topic: string; login: string; has_password: boolean; tls: boolean; ca_file: string; cert_file: string; key_file: string; client_id: string; timeout_ms: number; retries: number; delay_ms: number;
  echo: boolean; per_cycle?: boolean; enabled: boolean; revision: number; devices: number; device_limit: number | null; state: LineState;
  /** Of several servers on one database the one that has the line open. */
  member: string | null;
}
export type LineInput = Partial<Omit<Line, 'id' | 'state' | 'devices' | 'device_limit' | 'member'>> & { password?: string };

export interface QueueItem { job: number; device: number | null; device_name: string; priority: string; state: JobState; queued: string }

export type JobState =
  'waiting' | 'queued' | 'sent' | 'loading' | 'processing' | 'done' | 'done_with_errors' | 'error' | 'unknown';

export interface Found {
  manufacturer: string; serial: string; version: number | null; medium: number | null; medium_text: string; kind: string; line: number | null;
  primary_address: number | null; unit_id: number | null; profile: string; profile_title: string;
  encrypted: boolean; signal_dbm: number | null; known: boolean; last_heard: string | null;
  baud: number; trouble: '' | 'collision' | 'no_data';
}

export interface Job {
  id: number; kind: 'read' | 'scan' | 'test' | 'command'; state: JobState; line: number | null; device: number | null;
  device_name?: string; line_name?: string;
  created: string; changed: string; total: number; done: number; failed: number; found: number; text: string;
  results?: Found[]; values?: Value[]; profile?: string; profile_title?: string;
  meter?: { manufacturer: string; id: string; version: number; medium: number; medium_text: string } | null;
}

export interface Profile { name: string; title: string; kind: string; protocol: string; battery: boolean }
export interface Group { id: number; name: string; members: number }

export interface Problem {
  title: string; status: number; code: string; detail: string;
  field?: string; offset?: number; retry_after?: number;
}

export type KeyResult = 'new' | 'changed' | 'same' | 'unknown' | 'bad';
export interface KeyReport {
  applied: boolean; counts: Record<KeyResult, number>;
  rows: { line: number; serial: string; manufacturer: string; result: KeyResult; device: number | null; device_name: string; devices: number; text: string }[];
}
export interface DefaultKey { id: number; name: string; created: string }
export interface Backlog {
  state: 'idle' | 'counting' | 'decoding' | 'done'; percent: number; total: number; done: number; readings: number;
  started: string | null; finished: string | null; error: string;
}

/** How long readings stay; 0 months is for ever. */
export interface Retention { full_months: number; day_months: number; day_hour: number }
/** What a rule means today, and what the last run has done. */
export interface RetentionPlan extends Retention {
  thin_before: string | null; remove_before: string | null; oldest: string | null; devices: number; thin_devices: number; remove_devices: number;
  last_run: string | null; last_values: number; next_run: string | null;
}
export interface Backup { name: string; time: string | null; bytes: number; state: 'good' | 'damaged' | 'foreign' | 'unknown' }
export interface Backups extends List<Backup> {
  enabled: boolean; folder: string; at: string; keep: number; running: boolean; next: string | null; last_attempt: string | null; last_success: string | null; last_status: string; last_error: string;
}

/** A backup that still has what was wiped; `goes` is when it goes by itself, null is never. */
export interface HoldingBackup { name: string; time: string | null; state: 'good' | 'damaged'; goes: string | null }
/** The proof that readings were wiped; not what they were. */
export interface Forgotten {
  id: number; device: number; device_name: string; from: string | null; to: string | null; user: number; user_name: string; reason: string;
  requested: string | null; ended: string | null; readings: number; frames: number; backups: HoldingBackup[]; copies: string;
}

/** The same register of many meters; rows=brief: what a counter counted, the mean of others. */
export interface CountedRow { start: string; end: string; value: number | null; quality: string | null; flags: string[]; absent?: number }
export interface MeterPeriods extends List<Sum & {
  device: number; device_name: string; serial: string; point: number; unit: string; rows: CountedRow[];
}> { key: string; step: string; without: number }
/** What many meters counted together, one item a unit. */
export interface PeriodSums { items: (Sum & { unit: string; meters: number; incomplete: number; rows: CountedRow[] })[]; without: number }
export interface Vocabulary { names: { name: string; quantity: string; unit: string; aggregation: string }[] }
