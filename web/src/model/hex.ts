// Bytes as text: what people paste is full of spaces, dashes, 0x and pipes.
export interface HexResult { bytes: Uint8Array; error: null | { at: number; what: 'odd' | 'char' } }

export function parseHex(input: string): HexResult {
  const text = input.replace(/0x/gi, '').replace(/[\s:,;|_\-]/g, '');
  const bad = text.search(/[^0-9a-f]/i);
  if (bad >= 0) return { bytes: new Uint8Array(), error: { at: input.indexOf(text[bad]!), what: 'char' } };
  if (text.length % 2) return { bytes: new Uint8Array(), error: { at: input.length, what: 'odd' } };
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return { bytes, error: null };
}

export function byteText(hex: string, i: number): string { return hex.slice(2 * i, 2 * i + 2).toUpperCase(); }

export function spaced(hex: string): string { return (hex.toUpperCase().match(/../g) ?? []).join(' '); }

interface Range { offset: number; length: number }
/** For each byte the index of the narrowest range over it, or -1: inner notes win over outer ones. */
export function owners(count: number, ranges: readonly Range[]): Int32Array {
  const owner = new Int32Array(count).fill(-1);
  ranges.forEach((r, i) => {
    for (let b = r.offset; b < Math.min(count, r.offset + r.length); b++) {
      const now = owner[b]!;
      if (now < 0 || r.length <= ranges[now]!.length) owner[b] = i;
    }
  });
  return owner;
}
