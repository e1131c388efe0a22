// An explained telegram: as plain text for a mail or a bug report, and which bytes carry a value.
import type { Explain } from '../api/types';
import { spaced } from './hex';
import { withUnit } from './units';

export function explainText(e: Explain, title: string): string {
  const lines = [title];
  if (e.error) lines.push(`refused: ${e.error.code}: ${e.error.text}${e.error.offset === null ? '' : ` (byte ${e.error.offset})`}`);
  if (e.meter) lines.push(`meter: ${e.meter.manufacturer} ${e.meter.id} version ${e.meter.version} ${e.meter.medium_text}`);
  e.stages.forEach((s, stage) => {
    lines.push('', `${s.title}, ${Math.floor(s.hex.length / 2)} bytes`, ...(spaced(s.hex).match(/.{1,48}/g) ?? []).map((x) => '  ' + x.trim()), '');
    for (const n of e.notes) {
      if (n.stage !== stage) continue;
      const bytes = spaced(s.hex.slice(2 * n.offset, 2 * (n.offset + Math.min(n.length, 8)))) + (n.length > 8 ? ' ..' : '');
      lines.push(`  ${String(n.offset).padStart(4)}  ${bytes.padEnd(26)}  ${n.field}: ${n.meaning}${n.clause ? ` (${n.clause})` : ''}`);
    }
  });
  if (e.values.length) {
    lines.push('', 'values');
    for (const v of e.values) lines.push(`  ${v.key} = ${v.text ? withUnit(v.text, v.unit) : v.quality}`);
  }
  for (const b of e.info) lines.push(`  info: ${b.bit === null ? `code ${b.code}` : `bit ${b.bit}`} ${b.name}: ${b.text} (${b.severity})`);
  return lines.join('\n') + '\n';
}

/**
 * The telegram as a capture of a profile (docs/profiles.md), with a corpus line above it. The key is never in it:
 * whoever may publish it writes it down.
 */
export function testCase(e: Explain, title: string): string {
  const hex = (e.stages[0]?.hex ?? '').toUpperCase();
  const name = title.replace(/"/g, "'");
  const opened = e.encryption?.state === 'decrypted';
  const corpus = { name, hex, ...(e.error ? { error: { code: e.error.code, offset: e.error.offset } } : {}) };
  const lines = [
    `# ${JSON.stringify(corpus)}`,
    `  - name: "${name}"`,
    '    source: "say here where it is from: device, firmware, how taken"',
    `    class: ${e.ok ? 'ok' : 'error'}`,
    '    telegram: >-',
    ...(hex.match(/.{1,84}/g) ?? []).map((row) => `      ${row}`),
  ];
  if (opened) lines.push('    key: "its 32 hex digits, if they may be published"');
  if (e.error) lines.push(`    refused: ${e.error.code}`);
  if (e.values.length) {
    lines.push('    expect:');
    const said = (v: Explain['values'][number]): string => (v.text ? `${v.text}${v.unit ? ' ' + v.unit : ''}` : `(${v.quality})`);
    for (const v of e.values) lines.push(`      ${v.key}: ${said(v)}`);
  }
  return lines.join('\n') + '\n';
}

/** Digits that a change of unit keeps: 58.815 MWh and 58815 kWh are both "58815". */
const significant = (text: string): string => text.replace(/^[-\u2212]|\./g, '').replace(/^0+(?=.)|0+$/g, '');

/** The note that carries a value: the one whose words hold its digits, counted among equal ones; -1 for none. */
export function noteOf(e: Explain, key: string): number {
  const at = e.values.findIndex((v) => v.key === key);
  const wanted = significant(e.values[at]?.text ?? '');
  if (!wanted) return -1;
  const twins = e.values.slice(0, at).filter((v) => significant(v.text) === wanted).length;
  const found: number[] = [];
  e.notes.forEach((n, i) => {
    if (n.layer === 'data' && significant(/^"?([-\w.:]+)/.exec(n.meaning)?.[1] ?? '') === wanted) found.push(i);
  });
  return found[twins] ?? found[0] ?? -1;
}
