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
const LATER = Date.UTC(2026, 5, 1);

test('a year has its twelve months, a day of the clock change 25 hours', () => {
  assert.equal(periods.length, 12);
  assert.equal(new Date(periods[0]).toISOString(), '2024-12-31T23:00:00.000Z');
  const hours = m.STEPS[0];
  assert.equal(m.starts(hours, m.spanOf(hours, Date.UTC(2025, 9, 26, 12))).length, 25);
  const years = m.STEPS[3];
  assert.equal(m.starts(years, m.spanOf(years, Date.UTC(2025, 5, 1))).length, 10);
});

test('units of one quantity are counted together', () => {
  assert.equal(m.factor('MWh', 'kWh'), 1000);
  assert.ok(Math.abs(m.factor('GJ', 'kWh') - 277.7778) < 0.001);
  assert.equal(m.factor('m3', 'kWh'), null);
  assert.equal(m.factor('hca', 'hca'), 1);
  assert.equal(m.commonUnit(['MWh', 'kWh', 'kWh']), 'kWh');
  assert.equal(m.commonUnit([]), '');
});

test('a row stands where its middle lies; what is over and not known is missing', () => {
  const rows = [row(utc(1, 10), utc(2, 10), 5), row(utc(3), utc(4), null), row(utc(12), m.instant({ y: 2026, mo: 1 }), 1)];
  const { cells, missing } = m.cellsOf(rows, periods, year.to, LATER, 2);
  assert.equal(cells[0].value, 10);
  assert.equal(cells[2].value, null);
  assert.equal(cells[11].value, 2);
  assert.equal(missing, 10);
  // In the middle of March January and February are over.
  assert.equal(m.cellsOf([row(utc(1), utc(2), 5)], periods, year.to, utc(3, 15), 1).missing, 1);
});

test('totals add what is known and say the worst', () => {
  const one = m.rowOf(1, 11, 'b', '2', m.cellsOf([row(utc(1), utc(2), 1.5), row(utc(2), utc(3), 2, 'manual', ['replaced'])], periods, year.to, utc(3), 1));
  const two = m.rowOf(2, 12, 'a', '10', m.cellsOf([row(utc(1), utc(2), 4, 'estimated')], periods, year.to, utc(3), 1));
  assert.equal(one.total, 3.5);
  assert.equal(one.quality, 'manual');
  assert.deepEqual(one.flags, ['replaced']);
  assert.equal(two.missing, 1);
  const all = m.totals([one, two], 'All');
  assert.equal(all.total, 7.5);
  assert.equal(all.cells[0].value, 5.5);
  assert.equal(all.cells[0].quality, 'estimated');
  assert.equal(all.missing, 1);
  const nothing = m.rowOf(3, 13, 'c', '', { cells: [null], missing: 1 });
  assert.equal(nothing.total, null);
  const by = (key, down) => m.sorted([one, two, nothing], key, down).map((r) => r.name).join('');
  assert.equal(by('name', false), 'abc');
  assert.equal(by('serial', true), 'abc');
  assert.equal(by('total', true), 'abc');
  assert.equal(by('total', false), 'bac');
  assert.equal(by('p0', true), 'abc');
  assert.equal(by('missing', true).slice(-1), 'b');
});
