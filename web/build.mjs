// Builds dist/: hashed bundles, index.html, sw.js with its file list, .gz twins; fails when a
// budget is exceeded. `--watch` rebuilds on change without minifying, for `--web-dir`.
import { build, context } from 'esbuild';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { broken, BUDGET, html, measure, options, packed, root, sizesOf } from './bundle.mjs';

const dist = join(root, 'dist');
const watch = process.argv.includes('--watch');

function finish(outputs) {
  const document = html(outputs);
  writeFileSync(join(dist, 'index.html'), document);
  cpSync(join(root, 'public'), dist, { recursive: true });

  const files = ['/', ...Object.keys(outputs).map((path) => '/' + path.slice('dist/'.length))].sort();
  const version = createHash('sha256').update(files.join('\n') + document).digest('hex').slice(0, 12);
  const sw = readFileSync(join(root, 'src/sw.js'), 'utf8')
    .replace('"%VERSION%"', JSON.stringify(version)).replace('"%FILES%"', JSON.stringify(files));
  writeFileSync(join(dist, 'sw.js'), sw);

  const written = readdirSync(dist).filter((f) => !f.endsWith('.gz')).map((f) => [`dist/${f}`, readFileSync(join(dist, f))]);
  const sizes = sizesOf(written);
  for (const [name, bytes] of written) if (name in sizes) writeFileSync(join(root, name + '.gz'), packed(bytes));
  report(outputs, sizes);
}

function report(outputs, sizes) {
  const document = sizes['dist/index.html'];
  delete sizes['dist/index.html'];
  const found = measure(outputs, sizes, document);
  const text = Object.keys(BUDGET).map((k) => `${k} ${(found[k] / 1024).toFixed(1)} of ${BUDGET[k] / 1024} KB`).join(', ');
  console.log(`web: ${text} (gzip, without fonts; heaviest page ${found.pages[0].page})`);
  const over = broken(found);
  if (over.length && !watch) {
    console.error(`web: over budget: ${over.join(', ')}. tools/web-sizes lists every page and its files.`);
    process.exit(1);
  }
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
if (watch) {
  const ending = { name: 'finish', setup(b) { b.onEnd((r) => { if (!r.errors.length) finish(r.metafile.outputs); }); } };
  const ctx = await context({ ...options, minify: false, sourcemap: 'inline', plugins: [...options.plugins, ending] });
  await ctx.watch();
} else {
  finish((await build(options)).metafile.outputs);
}
