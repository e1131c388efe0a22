// Cuts the message files into chunks: src/i18n/parts.json names the prefixes of each part, the rest is
// core and comes with every page. A page says beside its import which parts it needs.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'src/i18n');
const json = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const { always, ...prefixes } = json('parts.json');
export const PARTS = ['core', ...Object.keys(prefixes)];
const languages = readdirSync(folder).filter((f) => /^[a-z]{2}\.json$/.test(f)).map((f) => f.slice(0, 2));

/** The part that a key belongs to. */
export function partOf(key) {
  const prefix = key.split('.')[0];
  return always.includes(key) ? 'core' : Object.keys(prefixes).find((p) => prefixes[p].includes(prefix)) ?? 'core';
}

/** Parts named beside the imports of pages: `withTexts(() => import('./pages/lines'), 'line')`. */
export function partsOf(source) {
  const out = {};
  for (const m of source.matchAll(/withTexts\(\(\) => import\('\.\/([\w/-]+)'\)((?:, '\w+')*)\)/g)) out[m[1]] = [...m[2].matchAll(/'(\w+)'/g)].map((x) => x[1]);
  return out;
}

export const catalogues = {
  name: 'catalogues',
  setup(b) {
    b.onResolve({ filter: /^catalogues(:|$)/ }, (a) => ({ path: a.path.replace('catalogues:', ''), namespace: 'catalogues' }));
    b.onLoad({ filter: /^catalogues$/, namespace: 'catalogues' }, () => ({
      contents: `export const LOADERS = {${languages.map((l) => `${l}: {${PARTS.map((p) => `${p}: () => import('catalogues:${l}:${p}')`).join(',')}}`).join(',')}};`,
    }));
    // As a module: a bundled JSON file would repeat every key as an export name.
    b.onLoad({ filter: /:/, namespace: 'catalogues' }, (a) => {
      const [language, part] = a.path.split(':');
      const mine = Object.entries(json(`${language}.json`)).filter(([key]) => partOf(key) === part);
      return { contents: `export default ${JSON.stringify(Object.fromEntries(mine))};`, watchFiles: [join(folder, `${language}.json`)] };
    });
  },
};
