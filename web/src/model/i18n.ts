// Messages: flat keys, en.json is the type. A message is a string or plural forms chosen by
// Intl.PluralRules. What every page says is loaded before the first page is drawn, the rest with its page.
import { LOADERS } from 'catalogues';
import type en from '../i18n/en.json';

export type Key = keyof typeof en;
export type Params = Record<string, string | number>;
type Forms = Partial<Record<Intl.LDMLPluralRule, string>>;
export type Catalogue = Record<string, string | Forms>;

let catalogue: Catalogue = {};
let fallback: Catalogue = {};
let locale = 'en';
let rules = new Intl.PluralRules('en');

export function setCatalogue(language: string, messages: Catalogue): void {
  locale = language;
  catalogue = messages;
  if (language === 'en') fallback = messages;
  rules = new Intl.PluralRules(language);
}

export type Part = keyof (typeof LOADERS)[string];
export const LANGUAGES = Object.keys(LOADERS);
const parts = new Set<Part>(['core']);

/** Fetches parts of the catalogue; English is always there, it fills what a translation misses. */
async function fetchParts(wanted: Part[], lang: string): Promise<void> {
  const english = LOADERS['en']!;
  const own = lang === 'en' ? undefined : LOADERS[lang];
  await Promise.all(wanted.map(async (part) => {
    const [a, b] = await Promise.all([english[part](), own?.[part]()]);
    Object.assign(fallback, a.default);
    Object.assign(catalogue, (b ?? a).default);
  }));
}

/** A page with the parts of the catalogue that it speaks with; parts come at the same time as the page. */
export function withTexts<T>(load: () => Promise<T>, ...wanted: Part[]): () => Promise<T> {
  return async () => {
    const missing = wanted.filter((p) => !parts.has(p));
    const [page] = await Promise.all([load(), fetchParts(missing, locale)]);
    missing.forEach((p) => parts.add(p));
    return page;
  };
}

export async function loadLanguage(wanted: string): Promise<void> {
  setCatalogue(LOADERS[wanted] ? wanted : 'en', {});
  await fetchParts([...parts], locale);
  document.documentElement.lang = locale;
}
export function language(): string { return locale; }

function pick(message: string | Forms, params?: Params): string {
  if (typeof message === 'string') return message;
  const form = rules.select(Number(params?.['n'] ?? 0));
  return message[form] ?? message.other ?? '';
}

export function format(message: string | Forms, params?: Params): string {
  return pick(message, params).replace(/\{(\w+)\}/g, (all, name: string) => (params && name in params ? String(params[name]) : all));
}

export function t(key: Key, params?: Params): string {
  return format(catalogue[key] ?? fallback[key] ?? key, params);
}

/** A word of the API ("heat_meter") in the reader's language; unknown words stay readable. */
export function word(prefix: string, value: string | null | undefined): string {
  if (!value) return '';
  const message = catalogue[`${prefix}.${value}`] ?? fallback[`${prefix}.${value}`];
  if (typeof message === 'string') return message;
  const plain = value.replace(/_/g, ' ');
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

/** Names of {placeholders} in a message, sorted: the same in every language. */
export function placeholders(message: string | Forms): string[] {
  const texts = typeof message === 'string' ? [message] : Object.values(message);
  const names = new Set<string>();
  for (const text of texts) for (const m of (text ?? '').matchAll(/\{(\w+)\}/g)) names.add(m[1]!);
  return [...names].sort();
}
