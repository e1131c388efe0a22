// Bundles one source module for Node: the same code that the browser gets, without a DOM.
import { build } from 'esbuild';
import { catalogues } from '../../messages.mjs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

export async function load(...paths) {
  const contents = paths.map((p) => `export * from ${JSON.stringify('./' + p)};`).join('\n');
  const out = await build({
    stdin: { contents, resolveDir: join(root, 'src'), loader: 'ts' },
    bundle: true, format: 'esm', write: false, platform: 'neutral', target: 'es2022', logLevel: 'silent', plugins: [catalogues], mainFields: ['module', 'main'],
  });
  return import('data:text/javascript;base64,' + Buffer.from(out.outputFiles[0].text).toString('base64'));
}
