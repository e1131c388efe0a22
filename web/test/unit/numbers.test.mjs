import test from 'node:test';
import assert from 'node:assert/strict';
import { load } from './load.mjs';

const { decimalText, number, parseDecimal, plainDecimal, places, bytes, unitText, withUnit } = await load('model/numbers.ts', 'model/units.ts');

test('registers keep every digit and get the marks of the language', () => {
  const rows = [
    ['12345.60', 'en', '12,345.60'], ['12345.60', 'de', '12.345,60'], ['1234.5', 'en', '1234.5'], ['-0.05', 'en', '\u22120.05'],
    ['99999999999999999.123', 'en', '99,999,999,999,999,999.123'], ['1234567', 'fr', '1\u202f234\u202f567'], ['0x0004', 'en', '0x0004'], ['2026-01-31', 'en', '2026-01-31'],
  ];
  for (const [text, locale, wanted] of rows) assert.equal(decimalText(text, locale), wanted);
});

test('computed numbers are rounded and never minus zero', () => {
  assert.equal(number(1234.567, 1, 'en'), '1234.6');
  assert.equal(number(-0.001, 2, 'en'), '0.00');
  assert.equal(number(NaN, 2, 'en'), '');
  assert.equal(number(-12345.6, 0, 'en'), '\u221212,346');
});

test('typed numbers take comma and point', () => {
  const rows = [['1,5', 1.5], ['1.5', 1.5], [' 1 234,5 ', 1234.5], ['1.234,5', 1234.5], ['1,234.5', 1234.5], ['1.234.567', 1234567], ['\u22125', -5], ['.5', 0.5],
    ['', null], ['abc', null], ['1,2,x', null], ['--1', null], ['1e5', null]];
  for (const [text, wanted] of rows) assert.equal(parseDecimal(text), wanted, JSON.stringify(text));
});

test('a typed register keeps every digit', () => {
  const rows = [['99 999 999 999 999 999,1230', '99999999999999999.1230'], ['1.234,50', '1234.50'], [',5', '0.5'], ['-.5', '-0.5'], ['007', '007'], ['12e3', null], ['', null]];
  for (const [text, wanted] of rows) assert.equal(plainDecimal(text), wanted, JSON.stringify(text));
});

test('chart places follow the span', () => {
  assert.deepEqual([0, 250, 25, 2.5, 0.25, 0.0025].map(places), [0, 0, 1, 2, 3, 3]);
});

test('sizes and units in print', () => {
  assert.equal(bytes(999), '999 B');
  assert.equal(bytes(1234567), '1.2 MB');
  assert.equal(unitText('m3/h'), 'm³/h');
  assert.equal(unitText('kWh'), 'kWh');
  assert.equal(withUnit('5', 'degC'), '5\u00a0°C');
  assert.equal(withUnit('5', 'hca'), '5');
});
