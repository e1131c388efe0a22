// Line icons, inlined as text so that they take the colour of the words beside them.
import { useMemo } from 'preact/hooks';

/** Decorative by default; give `label` when the icon stands alone. */
export function Icon({ svg, size = 16, label }: { svg: string; size?: number; label?: string }) {
  const inner = useMemo(() => svg.replace(/^<svg[^>]*>|<\/svg>\s*$/g, ''), [svg]);
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
      stroke-linecap="round" stroke-linejoin="round" role={label ? 'img' : undefined} aria-label={label}
      aria-hidden={label ? undefined : 'true'} dangerouslySetInnerHTML={{ __html: inner }} />
  );
}
