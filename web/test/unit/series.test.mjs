import test from 'node:test';
import assert from 'node:assert/strict';
import { load } from './load.mjs';

const s = await load('model/series.ts');
const series = (times, values) => ({ point: 1, device: 1, device_name: '', key: 'flow', label: '', unit: '', mode: 'raw', times, values });

test('joined times keep gaps apart from other times', () => {
  const j = s.join([{ times: [1, 3], values: [10, null] }, { times: [2, 3], values: [20, 30] }]);
  assert.deepEqual(j.times, [1, 2, 3]);
  assert.deepEqual(j.columns, [[10, undefined, null], [undefined, 20, 30]]);
});

test('an outage gets a null, an ordinary pause does not', () => {
  const times = [0, 10, 20, 30, 100, 110];
  const g = s.withGaps(times, [[1, 2, 3, 4, 5, 6]]);
  assert.deepEqual(g.times, [0, 10, 20, 30, 31, 100, 110]);
  assert.deepEqual(g.columns[0], [1, 2, 3, 4, null, 5, 6]);
  assert.deepEqual(s.withGaps([0, 10], [[1, 2]]).times, [0, 10]);
});

test('the nearest time', () => {
  const rows = [[[], 5, -1], [[1], 9, 0], [[1, 5, 9], 6, 1], [[1, 5, 9], 8, 2], [[1, 5, 9], -3, 0], [[1, 5, 9], 100, 2], [[1, 5], 3, 0]];
  for (const [times, x, wanted] of rows) assert.equal(s.nearest(times, x), wanted);
});

test('summary of raw values and of buckets', () => {
  assert.deepEqual(s.summary(series([1, 2, 3], [2, null, 4])), { min: 2, max: 4, mean: 3, last: 4, count: 2 });
  assert.equal(s.summary(series([1], [null])), null);
  const b = { ...series([1, 2], undefined), mode: 'buckets', min: [1, 2], mean: [2, 3], max: [5, 4] };
  assert.deepEqual(s.summary(b), { min: 1, max: 5, mean: 2.5, last: 3, count: 2 });
});

test('supply is colour 1, return is colour 2, others never share a slot', () => {
  assert.deepEqual(s.colourSlots(['return_temperature', 'power', 'flow_temperature.u1']), [2, 3, 1]);
  const many = s.colourSlots(Array.from({ length: 12 }, (_, i) => `x${i}`));
  assert.equal(new Set(many).size, 12);
});

test('shifting moves times only', () => {
  assert.deepEqual(s.shift(series([1, 2], [7, 8]), 100).times, [101, 102]);
});

test('a summary ends with the last value, not with the mean of the last bucket', () => {
  const b = { ...series([1, 2], undefined), mode: 'buckets', min: [1, 2], mean: [2, 4], max: [3, 9], last: [3, 8] };
  assert.deepEqual(s.summary(b), { min: 1, max: 9, mean: 3, last: 8, count: 2 });
  assert.deepEqual([...s.marksOf({ ...series([1, 2], [5, 6]), marks: [{ index: 1, quality: 'estimated' }] })], [[1, 'estimated']]);
});
