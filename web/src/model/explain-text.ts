// An explained telegram as plain text, for a mail or a bug report.
import type { Explain } from '../api/types';
import { spaced } from './hex';

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
    for (const v of e.values) lines.push(`  ${v.key} = ${v.text || v.quality}${v.unit ? ' ' + v.unit : ''}`);
  }
  return lines.join('\n') + '\n';
}
