import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { options } from '../../bundle.mjs';
import { partOf, PARTS, partsOf } from '../../messages.mjs';
import { load, root } from './load.mjs';

const { format, placeholders, word, t, setCatalogue } = await load('model/i18n.ts');
const en = JSON.parse(readFileSync(join(root, 'src/i18n/en.json'), 'utf8'));
setCatalogue('en', en);

function sources(dir = join(root, 'src'), out = []) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) sources(path, out);
    else if (/\.tsx?$/.test(name)) out.push(path);
  }
  return out;
}
const files = sources().map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }));

test('parameters and plural forms', () => {
  assert.equal(format('{a} of {b}', { a: 1, b: 2 }), '1 of 2');
  assert.equal(format('{a} {missing}', { a: 1 }), '1 {missing}');
  assert.equal(format({ one: '{n} device', other: '{n} devices' }, { n: 1 }), '1 device');
  assert.equal(format({ one: '{n} device', other: '{n} devices' }, { n: 5 }), '5 devices');
  assert.equal(t('age.min', { n: 3 }), '3 min');
});

test('words of the API stay readable when the catalogue does not know them', () => {
  assert.equal(word('kind', 'heat_meter'), 'Heat meter');
  assert.equal(word('name', 'some_new_thing'), 'Some new thing');
  assert.equal(word('kind', ''), '');
});

test('plural messages are complete and carry the same placeholders in each form', () => {
  const rules = new Intl.PluralRules('en').resolvedOptions().pluralCategories;
  for (const [key, message] of Object.entries(en)) {
    if (typeof message === 'string') { assert.ok(message.trim(), key); continue; }
    for (const form of rules) assert.ok(message[form], `${key}: form ${form} is missing`);
    for (const form of rules) for (const name of placeholders(message[form])) assert.ok(name === 'n' || placeholders(message.other).includes(name), `${key}: {${name}}`);
  }
});

test('all catalogues have the same keys and placeholders', () => {
  for (const file of readdirSync(join(root, 'src/i18n')).filter((f) => /^[a-z]{2}\.json$/.test(f) && f !== 'en.json')) {
    const other = JSON.parse(readFileSync(join(root, 'src/i18n', file), 'utf8'));
    assert.deepEqual(Object.keys(other).sort(), Object.keys(en).sort(), file);
    for (const key of Object.keys(en)) assert.deepEqual(placeholders(other[key]), placeholders(en[key]), `${file}: ${key}`);
  }
});

test('every key is used, every use has its parameters', () => {
  const all = files.map((f) => f.text).join('\n');
  const used = new Set([...all.matchAll(/'([a-zA-Z]+\.[\w-]+)'/g)].map((m) => m[1]));
  // Families addressed by a computed tail: t(`chart.${range}`), word('kind', ...).
  const families = new Set([...all.matchAll(/`([a-zA-Z]+)\.\$\{/g), ...all.matchAll(/(?:word|label)\('([a-zA-Z]+)'/g)].map((m) => m[1]));
  const unused = Object.keys(en).filter((key) => !used.has(key) && !families.has(key.split('.')[0]));
  assert.deepEqual(unused, []);
  for (const { path, text } of files) {
    for (const m of text.matchAll(/\bt\('([\w.-]+)'(\)|, \{)/g)) {
      if (m[2] === ')' && en[m[1]]) assert.deepEqual(placeholders(en[m[1]]), [], `${path}: t('${m[1]}') lacks parameters`);
    }
  }
});

test('no literal text in components', () => {
  // Text between tags, and attributes that people read. Symbols, units and code samples have no letters in a row.
  const allowed = /^(Hypocaust|CSV|Esc|Ctrl K|dBm|ms)$/;
  for (const { path, text } of files.filter((f) => f.path.endsWith('.tsx'))) {
    const markup = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    for (const m of markup.matchAll(/<\/?[A-Za-z][\w.]*(?:\s[^<>]*?)?(?<!=)>([^<>{}()=;:?&|'"`]+)<\/?[A-Za-z]/g)) {
      const words = m[1].trim();
      if (/\p{L}{2,}/u.test(words) && !allowed.test(words)) assert.fail(`${path}: literal text "${words}"`);
    }
    for (const m of markup.matchAll(/\b(?:title|aria-label|placeholder|alt)="([^"]*)"/g)) {
      const shown = m[1];
      if (/[a-z]{3,} [a-z]/i.test(shown) || /^[A-Z][a-z]{3,}$/.test(shown)) assert.fail(`${path}: literal attribute "${shown}"`);
    }
  }
});

test('imports go one way: api, model, live, parts, pages', () => {
  const order = ['api', 'model', 'live', 'parts', 'pages'];
  for (const { path, text } of files) {
    const room = path.split('/')[1];
    const mine = order.indexOf(room);
    if (mine < 0) continue;
    for (const m of text.matchAll(/^import (type )?.*from '([^']+)'/gm)) {
      if (!m[2].startsWith('.')) continue;
      const target = relative('src', join(path, '..', m[2])).split('/')[0];
      const theirs = order.indexOf(target);
      if (theirs >= 0) assert.ok(theirs <= mine, `${path} imports ${m[2]}`);
    }
  }
});

/** Keys and families of keys in a source text: 'a.b' and `a.${x}`, word('a', x). */
function spoken(text) {
  const keys = new Set([...text.matchAll(/'([a-zA-Z]+\.[\w-]+)'/g)].map((m) => m[1]).filter((k) => k in en));
  const families = new Set([...text.matchAll(/`([a-zA-Z]+)\.\$\{/g), ...text.matchAll(/(?:word|label)\('([a-zA-Z]+)'/g)].map((m) => m[1]));
  for (const key of Object.keys(en)) if (families.has(key.split('.')[0])) keys.add(key);
  return keys;
}

test('every page loads the parts of the catalogue that it speaks with', async () => {
  const { metafile } = await build({ ...options, write: false });
  const inputs = metafile.inputs;
  const closure = (start, seen = new Set()) => {
    if (seen.has(start) || !start.startsWith('src/')) return seen;
    seen.add(start);
    for (const i of inputs[start].imports) if (i.kind === 'import-statement') closure(i.path, seen);
    return seen;
  };
  const source = (path) => readFileSync(join(root, path), 'utf8');
  const parts = {};
  for (const f of ['src/app.tsx', 'src/routes.tsx', 'src/pages/device.tsx', 'src/pages/device/data.tsx', 'src/pages/device/readings.tsx']) {
    for (const [page, list] of Object.entries(partsOf(source(f)))) parts[`${join(f, '..', page)}.tsx`] = list;
  }
  for (const [page, list] of Object.entries(parts)) {
    assert.ok(page in inputs, `${page} exists`);
    for (const part of list) assert.ok(PARTS.includes(part), `${page}: ${part} is a part`);
  }
  // Whatever is fetched by itself: pages, tabs, and what a click opens on top of a page.
  const shell = closure('src/main.tsx');
  const starts = Object.values(metafile.outputs).map((o) => o.entryPoint).filter((e) => e?.startsWith('src/pages/') || e === 'src/parts/palette.tsx' || e === 'src/parts/key-help.tsx');
  for (const start of ['src/main.tsx', ...starts]) {
    const has = new Set(['core', ...(parts[start] ?? [])]);
    for (const file of closure(start)) {
      if (!/\.tsx?$/.test(file) || (start !== 'src/main.tsx' && shell.has(file))) continue;
      for (const key of spoken(source(file))) assert.ok(has.has(partOf(key)), `${start} needs the part '${partOf(key)}' for ${key} in ${file}`);
    }
  }
});
