import test from 'node:test';
import assert from 'node:assert/strict';
import { load } from './load.mjs';

const m = await load('model/csv.ts', 'model/hex.ts', 'model/query.ts', 'model/schedule.ts', 'model/status.ts', 'model/explain-text.ts');

test('csv cells: quotes, breaks and no formulas', () => {
  const rows = [['a;b', '"a;b"'], ['say "x"', '"say ""x"""'], ['line\nbreak', '"line\nbreak"'], ['=1+1', "'=1+1"], ['@cmd', "'@cmd"], ['-5.2', '-5.2'], ['+5', '+5'], ['-x', "'-x"], [null, ''], [0, '0']];
  for (const [value, wanted] of rows) assert.equal(m.cell(value), wanted);
  assert.equal(m.csv(['a', 'b'], [[1, undefined]]), '\ufeffa;b\r\n1;\r\n');
});

test('hex as people paste it', () => {
  const ok = [['68 25-25:68', '68252568'], ['0x68, 0x25', '6825'], ['2E_44|93\n15', '2E449315'], ['', '']];
  for (const [text, wanted] of ok) assert.equal(Buffer.from(m.parseHex(text).bytes).toString('hex').toUpperCase(), wanted);
  assert.deepEqual(m.parseHex('68 2').error, { at: 4, what: 'odd' });
  assert.deepEqual(m.parseHex('68 2G').error, { at: 4, what: 'char' });
  assert.equal(m.spaced('682525'), '68 25 25');
});

test('the narrowest note owns a byte', () => {
  const own = m.owners(5, [{ offset: 0, length: 4 }, { offset: 1, length: 1 }, { offset: 3, length: 9 }]);
  assert.deepEqual([...own], [0, 1, 0, 0, 2]);
});

test('page state in the address bar', () => {
  assert.equal(m.formatQuery({ a: '', b: null, c: 'x y', points: '1,2', d: 0 }), '?c=x+y&points=1,2&d=0');
  assert.equal(m.formatQuery({ a: '' }), '');
  assert.deepEqual(m.parseQuery('?a=1&b=x%20y'), { a: '1', b: 'x y' });
  assert.deepEqual(m.numbers('3,x,-1,2.5,7'), [3, 7]);
  assert.deepEqual(m.parseSort('-name', 'id'), { key: 'name', down: true });
  assert.deepEqual(m.parseSort(undefined, 'id'), { key: 'id', down: false });
  assert.equal(m.sortText(m.parseSort('-name', '')), '-name');
});

test('schedules go both ways', () => {
  for (const text of ['none', 'every 15 min', 'every 60 min', 'daily 03:10', 'Mon-Fri 06:00', 'Mon,Wed 06:00']) assert.equal(m.scheduleText(m.parseSchedule(text)), text);
  assert.equal(m.parseSchedule('every 2 h').minutes, 120);
  assert.equal(m.parseSchedule('nonsense').kind, 'none');
});

test('worst of several marks; absent values are no data', () => {
  assert.equal(m.worst(['normal', 'low', 'nodata']), 'nodata');
  assert.equal(m.worst(['medium', 'critical', 'high']), 'critical');
  assert.equal(m.worst([]), 'normal');
  assert.deepEqual(['good', 'doubtful', 'no_value', 'device_error'].map(m.qualityMark), ['normal', 'medium', 'nodata', 'high']);
});

test('an explained telegram as text names the refusal and every field', () => {
  const text = m.explainText({
    ok: false, link: 'mbus', error: { code: 'BAD_CHECK', offset: 4, text: 'checksum 10 expected' }, stages: [{ title: 'as received', hex: '6803036808' }],
    notes: [{ stage: 0, offset: 0, length: 1, layer: 'link', record: -1, field: 'start', meaning: 'long frame', clause: 'EN 13757-2' }], values: [], info: [{ bit: 2, code: null, name: 'low_battery', text: 'Battery low', severity: 'medium' }],
  }, 'Telegram 5');
  assert.match(text, /^Telegram 5\nrefused: BAD_CHECK: checksum 10 expected \(byte 4\)/);
  assert.match(text, /0 {2}68 +start: long frame \(EN 13757-2\)/);
  assert.match(text, /info: bit 2 low_battery: Battery low \(medium\)/);
});

test('a telegram copies as a capture of a profile and a corpus line, without its key', () => {
  const e = {
    ok: true, link: 'wmbus', stages: [{ title: 'as received', hex: '2e44' + 'ab'.repeat(50) }, { title: 'decrypted', hex: '00' }], notes: [], encryption: { mode: 5, state: 'decrypted' },
    info: [], values: [{ key: 'volume', text: '28504.27', unit: 'm3', quality: 'good' }, { key: 'flow', text: '', unit: 'm3/h', quality: 'no_value' }],
  };
  const lines = m.testCase(e, 'Telegram 5').split('\n');
  assert.equal(JSON.parse(lines[0].slice(2)).hex.length, 104);
  assert.equal(lines[1], '  - name: "Telegram 5"');
  assert.ok(lines.includes('    class: ok') && lines.includes('      volume: 28504.27 m3') && lines.includes('      flow: (no_value)'));
  assert.equal(lines.filter((l) => /^ {6}[0-9A-F]+$/.test(l)).join('').replace(/ /g, ''), e.stages[0].hex.toUpperCase());
  assert.match(lines.join('\n'), /key: "its 32 hex digits, if they may be published"/);
  const refused = m.testCase({ ...e, ok: false, error: { code: 'BAD_CHECK', offset: 7, text: '' }, values: [], encryption: null }, 'x');
  assert.match(refused, /class: error[\s\S]+refused: BAD_CHECK/);
  assert.ok(!/expect:|key:/.test(refused));
});

test('a value finds its bytes by its digits, whatever the unit', () => {
  const value = (key, text) => ({ key, text });
  const note = (layer, meaning) => ({ stage: 0, offset: 0, length: 1, layer, record: 0, field: '', meaning, clause: '' });
  const e = { values: [value('energy', '58815'), value('volume', '1340.911'), value('energy.s1', '58815'), value('status', '0x0000'), value('name', 'abc')],
    notes: [note('vib', '58815'), note('data', '58.815 MWh'), note('data', '1340.911 m3'), note('data', '58815 kWh'), note('data', '"abc"')] };
  assert.deepEqual(['energy', 'volume', 'energy.s1', 'status', 'name', 'missing'].map((k) => m.noteOf(e, k)), [1, 2, 3, -1, 4, -1]);
});
