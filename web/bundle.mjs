// How the sources become files, and what each page costs. Used by the build, by the test of the
// budgets and by tools/web-sizes, so that all three measure the same thing.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { catalogues, partsOf } from './messages.mjs';

export const root = dirname(fileURLToPath(import.meta.url));

/**
 * Most bytes after gzip -9, without fonts. A page counts with everything it fetches before it comes to
 * rest: the document, styles, messages, its own files and what those fetch later (the drawing of a
 * chart). Only what a click opens is left out.
 */
export const BUDGET = { shell: 35 * 1024, page: 60 * 1024, dist: 350 * 1024 };

// Files that a click fetches, not the page itself.
const ON_DEMAND = /^src\/parts\/(palette|key-help|scan-dialog)\.tsx$/;
const isText = (name) => !/\.(woff2|png)$/.test(name);

// Whatever is fetched later stands on parts/kit.ts. Said here, once, because the bundler makes a
// file of every set of modules that the same pages share: without it a page comes in thirty.
const kit = {
  name: 'kit',
  setup(b) {
    const path = JSON.stringify(join(root, 'src/parts/kit.ts'));
    b.onLoad({ filter: /\/src\/(pages\/.*|parts\/(palette|key-help|scan-dialog|chart))\.tsx?$/ }, async (a) => ({
      contents: `import ${path};${await readFile(a.path, 'utf8')}`, loader: a.path.endsWith('x') ? 'tsx' : 'ts',
    }));
  },
};

/**
 * Sources give sizes in px, as the design does; the bundle gives them in rem, so that everything follows
 * the font size a person chose in the browser (WCAG 1.4.4). Lines of 1 to 3 px stay lines.
 */
export function followFontSize(css) {
  const rem = (px, unit) => (Math.abs(px) < 4 ? `${px}px` : `${px / 16}${unit}`);
  return css.split(/(@media[^{]*)/).map((part) => part.replace(/(-?\d*\.?\d+)px\b/g, (_, n) => rem(Number(n), part.startsWith('@media') ? 'em' : 'rem'))).join('');
}
const sizes = {
  name: 'sizes',
  setup(b) {
    b.onLoad({ filter: /\/src\/style\/\w+\.css$/ }, async (a) => ({ contents: followFontSize(await readFile(a.path, 'utf8')), loader: 'css' }));
  },
};

export const options = {
  absWorkingDir: root,
  entryPoints: { app: 'src/main.tsx' },
  outdir: 'dist',
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryNames: '[name]-[hash]',
  chunkNames: 'c-[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.svg': 'text', '.woff2': 'file' },
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  plugins: [kit, sizes, catalogues],
};

export const packed = (bytes) => gzipSync(bytes, { level: 9 });

/** The document for a build: the page's own file names put into src/index.html. */
export function html(outputs) {
  const name = (path) => '/' + path.slice('dist/'.length);
  const entry = entryOf(outputs);
  const font = Object.keys(outputs).find((n) => /inter-latin-wght.*\.woff2$/.test(n));
  return readFileSync(join(root, 'src/index.html'), 'utf8')
    .replace('%APP_JS%', name(entry)).replace('%APP_CSS%', name(outputs[entry].cssBundle)).replace('%FONT%', name(font));
}

const entryOf = (outputs) => Object.keys(outputs).find((n) => outputs[n].entryPoint === 'src/main.tsx');

/** A file and what it imports; with `later` also what it fetches by itself afterwards. */
function closure(outputs, start, later, seen = new Set()) {
  if (seen.has(start)) return seen;
  seen.add(start);
  for (const i of outputs[start].imports) {
    const target = outputs[i.path];
    if (!target) continue;
    const wanted = i.kind === 'import-statement' || (later && target.entryPoint?.startsWith('src/parts/') && !ON_DEMAND.test(target.entryPoint));
    if (wanted) closure(outputs, i.path, later, seen);
  }
  return seen;
}

/**
 * What each page loads. `sizes` has the packed size of every text file by output path,
 * `document` that of index.html.
 */
export function measure(outputs, sizes, document) {
  const entry = entryOf(outputs);
  const messages = (part) => Object.keys(outputs).find((n) => outputs[n].entryPoint === `catalogues:en:${part}`);
  const parts = Object.fromEntries(['app.tsx', 'routes.tsx', 'pages/device.tsx', 'pages/device/data.tsx', 'pages/device/readings.tsx'].flatMap((f) => {
    const place = join('src', dirname(f));
    return Object.entries(partsOf(readFileSync(join(root, 'src', f), 'utf8'))).map(([page, list]) => [`${join(place, page)}.tsx`, list]);
  }));
  const sum = (files) => [...files].reduce((n, f) => n + (sizes[f] ?? 0), document);
  const shell = [...closure(outputs, entry, false), outputs[entry].cssBundle];
  const always = [...shell, messages('core')];
  const row = (page, starts) => {
    const files = new Set([...always, ...starts.flatMap((s) => [...closure(outputs, s, true)])]);
    return { page, bytes: sum(files), requests: files.size + 1 };
  };
  const chunk = (source) => Object.keys(outputs).find((n) => outputs[n].entryPoint === source);
  const pages = Object.keys(outputs).filter((n) => /^src\/pages\//.test(outputs[n].entryPoint ?? '')).map((n) => {
    const source = outputs[n].entryPoint;
    // A tab of the device page comes after the device page.
    const frame = /^src\/pages\/(\w+)\/\w+\.tsx$/.exec(source)?.[1];
    const speaks = (parts[source] ?? []).map(messages);
    return row(source, frame ? [chunk(`src/pages/${frame}.tsx`), n, ...speaks] : [n, ...speaks]);
  }).sort((a, b) => b.bytes - a.bytes);
  return { shell: sum(new Set(shell)), pages, page: pages[0].bytes, dist: Object.values(sizes).reduce((a, b) => a + b, document) };
}

/** Sizes of a build in memory or on disk, by output path. */
export function sizesOf(files) {
  return Object.fromEntries(files.filter(([name]) => isText(name)).map(([name, bytes]) => [name, packed(bytes).length]));
}

/** Names of the budgets that are exceeded. */
export const broken = (report) => Object.keys(BUDGET).filter((k) => report[k] > BUDGET[k]);
