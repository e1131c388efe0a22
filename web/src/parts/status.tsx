// Status marks: shape + colour + word, the same everywhere.
import type { Mark } from '../model/status';

/** Shapes on a 16 x 16 field; digits of the alarm priority where there is one. */
const SHAPES: Record<Mark, string> = {
  normal: '<circle cx="8" cy="8" r="3.2" fill="var(--status-normal)"/>',
  low: '<circle cx="8" cy="8" r="6.5" fill="var(--status-low)"/>',
  medium: '<path d="M8 1l7 7-7 7-7-7z" fill="var(--status-medium)" stroke="var(--medium-edge)"/>',
  high: '<path d="M8 1.2L15.4 14.5H.6z" fill="var(--status-high)"/>',
  critical: '<rect x="1.5" y="1.5" width="13" height="13" fill="var(--status-critical)"/>',
  nodata: '<circle cx="8" cy="8" r="6.3" fill="none" stroke="var(--text-2)" stroke-width="1.4"/><path d="M5.6 5.6l4.8 4.8m0-4.8l-4.8 4.8" stroke="var(--text-2)" stroke-width="1.4"/>',
  shelved: '<circle cx="8" cy="8" r="6.3" fill="none" stroke="var(--text-2)" stroke-width="1.4" stroke-dasharray="2.6 2"/>',
  busy: '<circle cx="8" cy="8" r="5.8" fill="none" stroke="var(--line)" stroke-width="2"/><path d="M8 2.2a5.8 5.8 0 0 1 5.8 5.8" fill="none" stroke="var(--accent)" stroke-width="2"/>',
};

export const markSvg = (mark: Mark): string => `<svg class="mark mark-${mark}" viewBox="0 0 16 16" aria-hidden="true">${SHAPES[mark]}</svg>`;

export function MarkIcon({ mark }: { mark: Mark }) {
  return <svg class={`mark mark-${mark}`} viewBox="0 0 16 16" aria-hidden="true" dangerouslySetInnerHTML={{ __html: SHAPES[mark] }} />;
}

/** Mark and word. `quiet` keeps the word for screen readers only (dense cells with a title). */
export function Status({ mark, word, quiet = false, title }: { mark: Mark; word: string; quiet?: boolean; title?: string }) {
  return (
    <span class={`status status-${mark}`} title={title ?? (quiet ? word : undefined)}>
      <MarkIcon mark={mark} />
      <span class={quiet ? 'sr' : 'status-word'}>{word}</span>
    </span>
  );
}
