// Every view is a URL: the state of a page in its query string, without what is default.
export type State = Record<string, string>;

export function parseQuery(search: string): State {
  const out: State = {};
  for (const [k, v] of new URLSearchParams(search)) out[k] = v;
  return out;
}

/** Keeps a stable order (as given), drops empty values. */
export function formatQuery(state: Record<string, string | number | null | undefined>): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(state)) if (v !== '' && v !== null && v !== undefined) q.set(k, String(v));
  // Commas and colons are legal in a query; readable links are worth it.
  const text = q.toString().replace(/%2C/g, ',').replace(/%3A/g, ':');
  return text ? '?' + text : '';
}

export function numbers(list: string | undefined): number[] {
  return (list ?? '').split(',').map(Number).filter((n) => Number.isInteger(n) && n > 0);
}

export interface Sort { key: string; down: boolean }
export function parseSort(text: string | undefined, fallback: string): Sort {
  const s = text || fallback;
  return s.startsWith('-') ? { key: s.slice(1), down: true } : { key: s, down: false };
}
export const sortText = (s: Sort): string => (s.down ? '-' : '') + s.key;
