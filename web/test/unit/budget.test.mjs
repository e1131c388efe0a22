import test from 'node:test';
import assert from 'node:assert/strict';
import { build } from 'esbuild';
import { broken, BUDGET, html, measure, options, packed, sizesOf } from '../../bundle.mjs';

const result = await build({ ...options, write: false });
const outputs = result.metafile.outputs;
const sizes = sizesOf(result.outputFiles.map((f) => [`dist/${f.path.split('/').pop()}`, f.contents]));
const found = measure(outputs, sizes, packed(html(outputs)).length);

test('the shell and everything together stay within their budgets', () => {
  for (const key of ['shell', 'dist']) assert.ok(found[key] <= BUDGET[key], `${key}: ${found[key]} of ${BUDGET[key]} bytes`);
});

for (const p of found.pages) {
  test(`${p.page} loads at most ${BUDGET.page / 1024} KB`, () => assert.ok(p.bytes <= BUDGET.page, `${p.bytes} of ${BUDGET.page} bytes; tools/web-sizes --files shows where`));
}

test('every page is weighed, the chart with its drawing', () => {
  assert.ok(found.pages.length >= 20);
  const chart = Object.keys(outputs).find((n) => outputs[n].entryPoint === 'src/parts/chart.ts');
  const without = measure({ ...outputs, [chart]: { ...outputs[chart], imports: [] } }, { ...sizes, [chart]: 0 }, 0);
  const weight = (list, page) => list.find((x) => x.page === page).bytes;
  for (const page of ['src/pages/chart.tsx', 'src/pages/device/chart.tsx']) {
    assert.ok(weight(found.pages, page) - weight(without.pages, page) >= sizes[chart], `${page} counts ${chart}`);
  }
});

test('a budget that is exceeded is named', () => {
  assert.deepEqual(broken({ shell: BUDGET.shell + 1, page: BUDGET.page, dist: BUDGET.dist + 1 }), ['shell', 'dist']);
  assert.deepEqual(broken({ shell: 0, page: 0, dist: 0 }), []);
});
