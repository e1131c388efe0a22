// Made by the bundler from the files here: one chunk for what every page says, one for each part of parts.json.
declare module 'catalogues' {
  type Part = Exclude<keyof typeof import('./parts.json'), 'always'> | 'core';
  type Catalogue = Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>;
  export const LOADERS: Record<string, Record<Part, () => Promise<{ default: Catalogue }>>>;
}
