// Builds dist/: hashed bundles, index.html, sw.js with its file list, .gz twins; fails when a
// budget is exceeded. `--watch` rebuilds on change without minifying, for `--web-dir`.
import { build, context } from 'esbuild';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const watch = process.argv.includes('--watch');

// Budgets in bytes after gzip -9. A page that shows a library's canvas (chart now, map later) may
// load that library on top of its own first load.
const BUDGET = { shell: 35 * 1024, firstLoad: 60 * 1024, withLibrary: 80 * 1024, dist: 350 * 1024 };

const options = {
  absWorkingDir: root,
  entryPoints: { app: 'src/main.tsx' },
  outdir: 'dist',
  bundle: true,
  minify: !watch,
  sourcemap: watch ? 'inline' : false,
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
};

const gz = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** The entry and what it imports statically: what every page loads. */
function staticClosure(outputs, start) {
  const seen = new Set();
  const walk = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const i of outputs[name].imports) if (i.kind === 'import-statement' && outputs[i.path]) walk(i.path);
  };
  walk(start);
  return seen;
}

function finish(meta) {
  const outputs = meta.outputs;
  const entry = Object.keys(outputs).find((n) => outputs[n].entryPoint === 'src/main.tsx');
  const css = outputs[entry].cssBundle;
  const font = Object.keys(outputs).find((n) => /inter-latin-wght.*\.woff2$/.test(n));
  const name = (path) => '/' + path.slice('dist/'.length);
  const html = readFileSync(join(root, 'src/index.html'), 'utf8')
    .replace('%APP_JS%', name(entry)).replace('%APP_CSS%', name(css)).replace('%FONT%', name(font));
  writeFileSync(join(dist, 'index.html'), html);
  cpSync(join(root, 'public'), dist, { recursive: true });

  const files = ['/', ...Object.keys(outputs).map(name)].sort();
  const version = createHash('sha256').update(files.join('\n') + html).digest('hex').slice(0, 12);
  const sw = readFileSync(join(root, 'src/sw.js'), 'utf8')
    .replace('"%VERSION%"', JSON.stringify(version)).replace('"%FILES%"', JSON.stringify(files));
  writeFileSync(join(dist, 'sw.js'), sw);

  const sizes = {};
  for (const file of readdirSync(dist)) {
    if (file.endsWith('.gz')) continue;
    const bytes = readFileSync(join(dist, file));
    if (!/\.(woff2|png)$/.test(file)) {
      const packed = gzipSync(bytes, { level: 9 });
      writeFileSync(join(dist, file + '.gz'), packed);
      sizes['dist/' + file] = packed.length;
    }
  }

  const shellFiles = [...staticClosure(outputs, entry), css];
  const shell = shellFiles.reduce((sum, f) => sum + (sizes[f] ?? 0), 0) + sizes['dist/index.html'];
  const messages = Object.keys(outputs).find((n) => outputs[n].entryPoint === 'src/i18n/en.ts');
  const pages = Object.keys(outputs).filter((n) => /src\/pages\//.test(outputs[n].entryPoint ?? ''));
  const size = (files) => [...files].reduce((sum, f) => sum + (sizes[f] ?? 0), 0) + sizes['dist/index.html'];
  const loads = pages.map((page) => {
    const files = new Set([...shellFiles, ...staticClosure(outputs, messages), ...staticClosure(outputs, page)]);
    const library = Object.keys(outputs).find((n) => outputs[n].entryPoint === 'src/parts/chart.ts');
    const draws = [...files].some((f) => f !== entry && outputs[f]?.imports.some((i) => i.path === library));
    const first = size(files);
    return { page: outputs[page].entryPoint, first, library: draws ? size(new Set([...files, ...staticClosure(outputs, library)])) : first };
  });
  const worst = (key) => loads.reduce((a, b) => (b[key] > a[key] ? b : a));
  const all = Object.values(sizes).reduce((a, b) => a + b, 0);
  const report = { shell, firstLoad: worst('first').first, withLibrary: worst('library').library, dist: all };
  writeFileSync(join(root, 'node_modules/.dist-sizes.json'), JSON.stringify({ report, limits: BUDGET, pages: loads }, null, 2) + '\n');
  const text = Object.keys(BUDGET).map((k) => `${k} ${(report[k] / 1024).toFixed(1)} of ${BUDGET[k] / 1024} KB`).join(', ');
  console.log(`web: ${text} (gzip, without font)`);
  const over = Object.keys(BUDGET).filter((k) => report[k] > BUDGET[k]);
  if (over.length && !watch) {
    console.error(`web: over budget: ${over.join(', ')}; heaviest pages ${worst('first').page}, ${worst('library').page}. See node_modules/.dist-sizes.json.`);
    process.exit(1);
  }
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
if (watch) {
  const ctx = await context({ ...options, plugins: [{ name: 'finish', setup(b) { b.onEnd((r) => { if (!r.errors.length) finish(r.metafile); }); } }] });
  await ctx.watch();
} else {
  finish((await build(options)).metafile);
}
