// Live events: one server-sent stream per browser. The leading window (Web Locks) holds it and
// passes events on by BroadcastChannel; without locks (plain http on a LAN) each window has its
// own. When the stream cannot be had, subscribers are told to fetch every 10 s.
import { effect, signal } from '@preact/signals';
import { url } from '../api/client';
import { setServerTime } from './clock';
import { reached, resync, session } from './session';

export type Topic = 'devices' | 'lines' | 'jobs';
export interface LiveEvent { type: string; data: unknown }
type Listener = (e: LiveEvent) => void;
interface Want { topics: Topic[]; points: number[]; on: Listener }

export type Connection = 'off' | 'connecting' | 'live' | 'poll';
export const connection = signal<Connection>('off');
/** Time of the last sign of life from the server. */
export const lastEvent = signal(0);

const EVENTS = ['hello', 'values', 'device', 'line', 'job', 'lagged', 'ping'];
const wants = new Set<Want>();
const me = Math.random().toString(36).slice(2);
const others = new Map<string, { topics: Topic[]; points: number[]; at: number }>();
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('hyp-live') : null;

let leading = false;
let source: EventSource | null = null;
let openQuery = '';
let failures = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let poll: ReturnType<typeof setInterval> | undefined;

function deliver(e: LiveEvent): void {
  lastEvent.value = Date.now();
  if (e.type === 'hello') setServerTime((e.data as { time: string }).time);
  // The server dropped events for a slow reader: what is on screen may be old.
  if (e.type === 'lagged') resync.value++;
  for (const w of [...wants]) w.on(e);
}

function mine(): { topics: Topic[]; points: number[] } {
  const topics = new Set<Topic>();
  const points = new Set<number>();
  for (const w of wants) { w.topics.forEach((x) => topics.add(x)); w.points.forEach((x) => points.add(x)); }
  return { topics: [...topics].sort(), points: [...points].sort((a, b) => a - b) };
}

function union(): string {
  const all = [mine(), ...others.values()];
  const topics = [...new Set(all.flatMap((w) => w.topics))].sort();
  const points = [...new Set(all.flatMap((w) => w.points))].sort((a, b) => a - b);
  return url('/stream', { topics: topics.join(','), points: points.join(',') });
}

function setConnection(c: Connection): void {
  if (connection.peek() === c) return;
  const was = connection.peek();
  connection.value = c;
  if (leading) channel?.postMessage({ kind: 'state', state: c });
  clearInterval(poll);
  if (c === 'poll') poll = setInterval(() => deliver({ type: 'poll', data: null }), 10_000);
  if (c === 'live' && was === 'poll') resync.value++;
}

function close(): void {
  clearTimeout(retry);
  source?.close();
  source = null;
  openQuery = '';
}

function open(): void {
  if (!leading || !session.peek()) return;
  const query = union();
  if (source && query === openQuery) return;
  close();
  openQuery = query;
  if (connection.peek() === 'off') setConnection('connecting');
  const es = new EventSource(query);
  source = es;
  for (const type of EVENTS) {
    es.addEventListener(type, (raw) => {
      let data: unknown = null;
      try { data = JSON.parse((raw as MessageEvent<string>).data); } catch { return; }
      failures = 0;
      reached();
      setConnection('live');
      deliver({ type, data });
      channel?.postMessage({ kind: 'event', type, data });
    });
  }
  es.onerror = () => {
    if (source !== es) return;
    close();
    failures++;
    // Two quick failures: poll meanwhile, keep trying with growing pauses.
    if (failures >= 2) setConnection('poll');
    retry = setTimeout(open, Math.min(30_000, 500 * 2 ** Math.min(failures, 6)));
  };
}

let pending: ReturnType<typeof setTimeout> | undefined;
function changed(): void {
  clearTimeout(pending);
  // A page switch drops and adds subscriptions in one go: one new stream, not two.
  pending = setTimeout(() => {
    if (leading) open();
    channel?.postMessage({ kind: 'want', id: me, ...mine() });
  }, 60);
}

export function subscribe(topics: Topic[], points: number[], on: Listener): () => void {
  const w: Want = { topics, points, on };
  wants.add(w);
  changed();
  return () => { wants.delete(w); changed(); };
}

function lead(): void {
  leading = true;
  channel?.postMessage({ kind: 'who' });
  open();
}

interface Message { kind: string; id?: string; topics?: Topic[]; points?: number[]; type?: string; data?: unknown; state?: Connection }
function onMessage(raw: MessageEvent<Message>): void {
  const m = raw.data;
  if (m.kind === 'event' && !leading) deliver({ type: m.type!, data: m.data });
  else if (m.kind === 'state' && !leading) setConnection(m.state!);
  else if (m.kind === 'who') channel?.postMessage({ kind: 'want', id: me, ...mine() });
  else if (m.kind === 'bye') { others.delete(m.id!); if (leading) open(); }
  else if (m.kind === 'want' && m.id !== me) {
    others.set(m.id!, { topics: m.topics!, points: m.points!, at: Date.now() });
    if (leading) { channel?.postMessage({ kind: 'state', state: connection.peek() }); open(); }
  }
}

export function startStream(): void {
  if (channel) channel.onmessage = onMessage;
  addEventListener('pagehide', () => channel?.postMessage({ kind: 'bye', id: me }));
  if (navigator.locks && channel) {
    // Held for the life of the window; the next window in line takes over.
    void navigator.locks.request('hyp-live', () => { lead(); return new Promise<void>(() => undefined); });
  } else {
    lead();
  }
  effect(() => {
    if (session.value) { if (leading) open(); } else { close(); setConnection('off'); }
  });
}
