import test from 'node:test';
import assert from 'node:assert/strict';
import { load } from './load.mjs';

const { valueMarks, stepDecimals, timeMarks, setZone } = await load('model/axis.ts', 'model/time.ts');
const at = (iso) => Date.parse(iso);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test('values get round marks inside their span', () => {
  const rows = [
    [0, 1, 5, 0.2, [0, 0.2, 0.4, 0.6, 0.8, 1]], [0, 100, 4, 25, [0, 25, 50, 75, 100]], [-3, 7, 5, 2, [-2, 0, 2, 4, 6]],
    [61.2, 64.9, 4, 1, [62, 63, 64]], [0, 1e9, 2, 5e8, [0, 5e8, 1e9]], [0.1, 0.3, 2, 0.1, [0.1, 0.2, 0.3]],
  ];
  for (const [lo, hi, most, step, marks] of rows) {
    const found = valueMarks(lo, hi, most);
    assert.ok(Math.abs(found.step - step) < 1e-9, `${lo}..${hi}: step ${found.step}`);
    assert.deepEqual(found.marks.map((v) => Number(v.toPrecision(12))), marks, `${lo}..${hi}`);
  }
  assert.deepEqual(valueMarks(5, 5, 4).marks, []);
  assert.deepEqual(valueMarks(0, Infinity, 4).marks, []);
});

test('labels have the decimals that tell marks apart', () => {
  for (const [step, decimals] of [[1, 0], [20, 0], [0.5, 1], [2.5, 1], [0.25, 2], [0.002, 3], [0.0001, 3]]) assert.equal(stepDecimals(step), decimals, String(step));
});

test('times get round marks of the site, with the day named when it begins', () => {
  setZone('Europe/Copenhagen');
  const day = timeMarks(at('2026-06-10T00:00+02:00'), at('2026-06-11T00:00+02:00'), 2 * HOUR);
  assert.deepEqual(day.slice(0, 3).map((m) => m.label), ['00:00\n10 Jun', '02:00', '04:00']);
  assert.equal(day.at(-1).label, '00:00\n11 Jun');
  const minutes = timeMarks(at('2026-06-10T10:07:30+02:00'), at('2026-06-10T10:31+02:00'), 4 * 60_000);
  assert.deepEqual(minutes.map((m) => m.label.slice(0, 5)), ['10:10', '10:15', '10:20', '10:25', '10:30']);
  const month = timeMarks(at('2026-01-01T00:00+01:00'), at('2026-02-01T00:00+01:00'), 5 * DAY);
  assert.deepEqual(month.map((m) => new Date(m.time).getUTCDay()), [0, 0, 0, 0], 'weeks begin on Monday, which is Sunday 23:00 in UTC');
  const years = timeMarks(at('2016-05-01T00:00Z'), at('2026-05-01T00:00Z'), 300 * DAY);
  assert.deepEqual(years.map((m) => m.label), ['2017', '2018', '2019', '2020', '2021', '2022', '2023', '2024', '2025', '2026']);
  const quarters = timeMarks(at('2025-11-15T00:00Z'), at('2026-08-01T00:00Z'), 80 * DAY);
  assert.deepEqual(quarters.map((m) => m.label), ['Jan\n2026', 'Apr', 'Jul']);
});

test('marks stay on the clock of the wall on days of 23 and 25 hours', () => {
  setZone('Europe/Copenhagen');
  const spring = timeMarks(at('2026-03-29T00:00+01:00'), at('2026-03-30T00:00+02:00'), 6 * HOUR);
  assert.deepEqual(spring.map((m) => m.label.slice(0, 5)), ['00:00', '06:00', '12:00', '18:00', '00:00']);
  assert.equal(spring[1].time - spring[0].time, 5 * HOUR);
  const autumn = timeMarks(at('2026-10-25T00:00+02:00'), at('2026-10-26T00:00+01:00'), 6 * HOUR);
  assert.deepEqual(autumn.map((m) => m.label.slice(0, 5)), ['00:00', '06:00', '12:00', '18:00', '00:00']);
  assert.equal(autumn[1].time - autumn[0].time, 7 * HOUR);
  const hours = timeMarks(at('2026-10-25T00:00+02:00'), at('2026-10-25T05:00+01:00'), HOUR);
  assert.deepEqual(hours.map((m) => m.label.slice(0, 5)), ['00:00', '01:00', '02:00', '02:00', '03:00', '04:00', '05:00']);
  const days = timeMarks(at('2026-03-27T00:00+01:00'), at('2026-03-31T12:00+02:00'), DAY / 2);
  assert.ok(days.every((m) => m.time > 0) && days.length === 10, String(days.length));
  setZone('UTC');
});
