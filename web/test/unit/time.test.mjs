import test from 'node:test';
import assert from 'node:assert/strict';
import { load } from './load.mjs';

const m = await load('model/time.ts', 'model/period.ts', 'model/i18n.ts');
m.setZone('Europe/Copenhagen');
const at = (s) => Date.parse(s);
const H = 3_600_000;

test('civil time and instant are inverse', () => {
  for (const s of ['2026-01-31T14:05:09Z', '2026-07-01T00:00:00Z', '2024-02-29T23:59:59Z']) assert.equal(m.instant(m.civil(at(s))), at(s));
});

test('days of 23 and 25 hours', () => {
  const spring = m.startOf('day', at('2026-03-29T12:00:00Z'));
  assert.equal(m.add('day', spring, 1) - spring, 23 * H);
  const autumn = m.startOf('day', at('2026-10-25T12:00:00Z'));
  assert.equal(m.add('day', autumn, 1) - autumn, 25 * H);
});

test('a skipped hour moves forward, a doubled one has one answer', () => {
  assert.equal(new Date(m.instant({ y: 2026, mo: 3, d: 29, h: 2, mi: 30 })).toISOString(), '2026-03-29T01:30:00.000Z');
  const doubled = m.instant({ y: 2026, mo: 10, d: 25, h: 2, mi: 30 });
  assert.deepEqual([m.civil(doubled).h, m.civil(doubled).mi], [2, 30]);
});

test('weeks begin on Monday, months end where they end', () => {
  assert.equal(m.dateTime(m.startOf('week', at('2026-11-22T20:00:00Z'))), '2026-11-16 00:00');
  assert.equal(m.dateTime(m.add('month', m.fromInput('2026-01-31T10:00'), 1)), '2026-02-28 10:00');
  assert.equal(m.dateTime(m.add('year', m.fromInput('2024-02-29T00:00'), 1)), '2025-02-28 00:00');
});

test('zone of the site, not of the machine; an unknown zone falls to UTC', () => {
  assert.equal(m.dateTime('2026-07-01T12:00:00Z', true), '2026-07-01 14:00:00');
  m.setZone('Mars/Olympus');
  assert.equal(m.dateTime('2026-07-01T12:00:00Z'), '2026-07-01 12:00');
  m.setZone('Asia/Kolkata');
  assert.equal(m.dateTime(m.startOf('hour', at('2026-07-01T12:10:00Z'))), '2026-07-01 17:00');
  m.setZone('Europe/Copenhagen');
});

test('ages in their largest unit', () => {
  const rows = [[0, 0, 's'], [59_999, 59, 's'], [90_000, 1, 'min'], [2 * H, 2, 'h'], [47 * H, 47, 'h'], [49 * H, 2, 'd'], [90 * 24 * H, 2, 'mo'], [800 * 24 * H, 2, 'y'], [-5, 0, 's']];
  for (const [ms, n, unit] of rows) assert.deepEqual(m.ageParts(ms), { n, unit });
});

test('input fields go both ways in the site zone', () => {
  assert.equal(m.toInput(m.fromInput('2026-11-21T23:45')), '2026-11-21T23:45');
  assert.equal(m.fromInput('nonsense'), null);
});

test('a live period follows the clock, a calendar one does not', () => {
  const now = at('2026-11-21T12:00:30Z');
  const live = m.readPeriod({}, now);
  assert.deepEqual([live.range, live.live, live.to], ['week', true, at('2026-11-21T12:01:00Z')]);
  const back = m.readPeriod({ range: 'month', at: '2026-02-10T00:00:00Z' }, now);
  assert.deepEqual([m.dateTime(back.from), m.dateTime(back.to), back.live], ['2026-02-01 00:00', '2026-03-01 00:00', false]);
});

test('stepping back from live gives whole periods, forward ends at live', () => {
  const now = at('2026-11-21T12:00:00Z');
  const first = m.readPeriod(m.stepQuery(m.readPeriod({ range: 'day' }, now), -1, now), now);
  assert.equal(m.dateTime(first.from), '2026-11-20 00:00');
  const on = m.readPeriod(m.stepQuery(first, 1, now), now);
  assert.equal(m.dateTime(on.from), '2026-11-21 00:00');
  assert.equal(m.readPeriod(m.stepQuery(on, 1, now), now).live, true);
});

test('a free period wins over a preset, a reversed one is ignored', () => {
  const now = at('2026-11-21T12:00:00Z');
  const q = m.freeQuery(at('2026-01-01T00:00:00Z'), at('2026-01-02T00:00:00Z'));
  assert.equal(m.readPeriod({ ...q, range: 'year' }, now).range, 'free');
  assert.equal(m.readPeriod({ from: q.to, to: q.from }, now).range, 'week');
});

test('the period before has the same kind, also across a clock change', () => {
  const p = m.readPeriod({ range: 'day', at: '2026-03-30T10:00:00Z' }, at('2026-11-21T12:00:00Z'));
  const b = m.before(p);
  assert.equal(m.dateTime(b.from), '2026-03-29 00:00');
  assert.equal(b.to - b.from, 23 * H);
  const z = m.zoomInQuery(p);
  assert.equal(at(z.to) - at(z.from), 12 * H);
});

test('a month by its name; one that begins in the middle, at a settlement, by its day', () => {
  assert.equal(m.month(at('2025-12-31T23:00:00Z')), '2026-01');
  assert.equal(m.month(at('2026-01-16T09:00:00Z')), '2026-01-16');
});
