// What is not simply measured, worst first, each with the mark that stands beside its number.
import { word } from '../model/i18n';

export const MARKS: Record<string, string> = { doubtful: '?', estimated: '≈', manual: '†', corrected: '*' };

export function QualityMark({ quality }: { quality: string }) {
  return <span class="qmark" title={word('quality', quality)}><span aria-hidden="true">{MARKS[quality]}</span><span class="sr">{word('quality', quality)}</span></span>;
}
