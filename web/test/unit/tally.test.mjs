import test from 'node:test';
import assert from 'node:assert/strict';
import { load } from './load.mjs';

const m = await load('model/tally.ts', 'model/time.ts');
m.setZone('Europe/Copenhagen');
const MONTH = m.STEPS.find((s) => s.step === 'month');
const year = m.spanOf(MONTH, Date.UTC(2025, 5, 15));
const periods = m.starts(MONTH, year);
const utc = (mo, d = 1) => m.instant({ y: 2025, mo, d });
const row = (start, end, value, quality = 'good', flags = []) => ({ start, end, value, quality, flags });

test('a year has its twelve months, a day of the clock change 25 hours', () => {
  assert.equal(periods.length, 12);
  assert.equal(new Date(periods[0]).toISOString(), '2024-12-31T23:00:00.000Z');
  const hours = m.STEPS[0];
  assert.equal(m.starts(hours, m.spanOf(hours, Date.UTC(2025, 9, 26, 12))).length, 25);
  const years = m.STEPS[3];
  assert.equal(m.starts(years, m.spanOf(years, Date.UTC(2025, 5, 1))).length, 10);
});

test('a row stands where its middle lies', () => {
  const rows = [row(utc(1, 10), utc(2, 10), 5), { ...row(utc(3), utc(4), null), absent: 2 }, row(utc(12), m.instant({ y: 2026, mo: 1 }), 1, 'manual', ['replaced']), row(utc(1) - 86_400_000, utc(1), 9)];
  const cells = m.cellsOf(rows, periods, year.to);
  assert.deepEqual(cells[0], { value: 5, quality: 'good', flags: [], absent: 0 });
  assert.deepEqual(cells[2], { value: null, quality: 'good', flags: [], absent: 2 });
  assert.deepEqual(cells[11], { value: 1, quality: 'manual', flags: ['replaced'], absent: 0 });
  assert.equal(cells.filter((c) => c !== null).length, 3);
});

test('rows are sorted by words and by numbers of a unit', () => {
  const made = (name, serial, unit, total, missing, first) => ({ device: 1, point: 1, name, serial, unit, total, missing, absent: missing, quality: 'good', flags: [], cells: [{ value: first, quality: 'good', flags: [] }] });
  const list = [made('b', '2', 'kWh', 3.5, 0, 2), made('a', '10', 'kWh', 4, 1, 4), made('c', '', 'kWh', null, 1, null), made('d', '5', 'GJ', 9, 2, 1)];
  const by = (key, down) => m.sorted(list, key, down, ['kWh', 'GJ']).map((r) => r.name).join('');
  assert.equal(by('name', false), 'abcd');
  assert.equal(by('serial', true), 'adbc');
  assert.equal(by('unit', false), 'dbac');
  assert.equal(by('total', true), 'abcd');
  assert.equal(by('total', false), 'bacd');
  assert.equal(by('p0', true), 'abcd');
  assert.equal(by('missing', true), 'dacb');
});
