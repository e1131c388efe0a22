// Contrasts and colour-blind distances of the tokens, light and dark (WCAG 2.2, Machado 2009, CIEDE2000).
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './load.mjs';

const css = readFileSync(join(root, 'src/style/tokens.css'), 'utf8');
const themes = [{}, {}];
for (const m of css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)) { themes[0][m[1]] = m[2]; themes[1][m[1]] = m[3]; }
const names = ['light', 'dark'];

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const luminance = (hex) => { const [r, g, b] = rgb(hex).map(linear); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };

const MACHADO = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
function lab(hex, sight) {
  const lin = rgb(hex).map(linear);
  const seen = MACHADO[sight].map((row) => Math.min(1, Math.max(0, row[0] * lin[0] + row[1] * lin[1] + row[2] * lin[2])));
  const xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]].map((row, i) => row.reduce((s, v, k) => s + v * seen[k], 0) / [0.95047, 1, 1.08883][i]);
  const f = xyz.map((v) => (v > 216 / 24389 ? Math.cbrt(v) : (24389 / 27 * v + 16) / 116));
  return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])];
}
function ciede2000([l1, a1, b1], [l2, a2, b2]) {
  const rad = Math.PI / 180;
  const cm = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(cm ** 7 / (cm ** 7 + 25 ** 7)));
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const hue = (a, b) => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / rad + 360) % 360);
  const [h1, h2] = [hue(p1, b1), hue(p2, b2)];
  const dl = l2 - l1;
  const dc = c2 - c1;
  let dh = 0;
  if (c1 * c2 !== 0) { dh = h2 - h1; if (dh > 180) dh -= 360; if (dh < -180) dh += 360; }
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin(dh * rad / 2);
  const lm = (l1 + l2) / 2;
  const c = (c1 + c2) / 2;
  let hm = h1 + h2;
  if (c1 * c2 !== 0) hm = Math.abs(h1 - h2) <= 180 ? hm / 2 : hm < 360 ? (hm + 360) / 2 : (hm - 360) / 2;
  const tt = 1 - 0.17 * Math.cos((hm - 30) * rad) + 0.24 * Math.cos(2 * hm * rad) + 0.32 * Math.cos((3 * hm + 6) * rad) - 0.2 * Math.cos((4 * hm - 63) * rad);
  const sl = 1 + 0.015 * (lm - 50) ** 2 / Math.sqrt(20 + (lm - 50) ** 2);
  const sc = 1 + 0.045 * c;
  const sh = 1 + 0.015 * c * tt;
  const rt = -Math.sin(2 * 30 * Math.exp(-(((hm - 275) / 25) ** 2)) * rad) * 2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7));
  return Math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dH / sh) ** 2 + rt * (dc / sc) * (dH / sh));
}

const smallest = (theme, keys, sight) => {
  let least = Infinity;
  keys.forEach((a, i) => keys.slice(i + 1).forEach((b) => { least = Math.min(least, ciede2000(lab(theme[a], sight), lab(theme[b], sight))); }));
  return least;
};

test('CIEDE2000 itself is right (Sharma, pairs 1, 7, 17, 25)', () => {
  const rows = [[[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425], [[50, 0, 0], [50, -1, 2], 2.3669], [[50, 2.5, 0], [73, 25, -18], 27.1492], [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644]];
  for (const [a, b, wanted] of rows) assert.ok(Math.abs(ciede2000(a, b) - wanted) < 0.0002, String(ciede2000(a, b)));
});

themes.forEach((c, i) => {
  test(`${names[i]}: text reaches 4.5:1, secondary 4.5:1, controls 3:1`, () => {
    for (const ground of ['bg', 'surface', 'surface-2', 'accent-soft']) {
      assert.ok(contrast(c.text, c[ground]) >= 7, `text on ${ground} ${contrast(c.text, c[ground])}`);
      assert.ok(contrast(c['text-2'], c[ground]) >= 4.5, `text-2 on ${ground} ${contrast(c['text-2'], c[ground])}`);
      assert.ok(contrast(c.accent, c[ground]) >= 4.5, `accent on ${ground} ${contrast(c.accent, c[ground])}`);
    }
    for (const ground of ['bg', 'surface', 'surface-2']) assert.ok(contrast(c.strong, c[ground]) >= 3, `strong on ${ground}`);
    assert.ok(contrast(c['on-accent'], c.accent) >= 4.5);
  });
  test(`${names[i]}: words on status colours 4.5:1, marks 3:1 (medium by its edge)`, () => {
    for (const s of ['normal', 'low', 'medium', 'high', 'critical']) {
      assert.ok(contrast(c[`on-status-${s}`], c[`status-${s}`]) >= 4.5, s);
      if (s !== 'medium') for (const ground of ['bg', 'surface', 'surface-2']) assert.ok(contrast(c[`status-${s}`], c[ground]) >= 3, `${s} on ${ground}`);
    }
  });
  test(`${names[i]}: telegram bytes read 4.5:1 on every layer`, () => {
    for (const [name, value] of Object.entries(c)) {
      if (!name.startsWith('layer-')) continue;
      const ink = name === 'layer-error' ? c['on-status-critical'] : c.text;
      assert.ok(contrast(ink, value) >= 4.5, `${name} ${contrast(ink, value)}`);
    }
  });
  test(`${names[i]}: statuses and series stay apart for every sight`, () => {
    const statuses = ['status-normal', 'status-low', 'status-medium', 'status-high', 'status-critical'];
    const limits = { normal: 15.5, protan: 15.5, deutan: 9.5, tritan: 11.5 };
    for (const [sight, limit] of Object.entries(limits)) assert.ok(smallest(c, statuses, sight) >= limit, `statuses ${sight} ${smallest(c, statuses, sight)}`);
    const series = [1, 2, 3, 4, 5, 6].map((n) => `series-${n}`);
    assert.ok(smallest(c, series, 'normal') >= 14.5, `series ${smallest(c, series, 'normal')}`);
    for (const s of series) assert.ok(contrast(c[s], c.surface) >= 3, `${s} on surface ${contrast(c[s], c.surface)}`);
  });
});
