// Draws the PNG icons of the installed application from public/icon.svg; run by hand after a change of it.
//   node web/icons.mjs
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'public');
const svg = readFileSync(join(folder, 'icon.svg'), 'utf8');
// A maskable icon is cut to any shape: colour to the edges, the picture within the middle 80 %.
const full = svg.replace('viewBox="0 0 32 32"', 'viewBox="-4 -4 40 40"').replace(/<rect width="32" height="32" rx="6"/, '<rect x="-4" y="-4" width="40" height="40"');
const ICONS = [['icon-192.png', 192, svg], ['icon-512.png', 512, svg], ['icon-maskable-512.png', 512, full], ['apple-touch-icon.png', 180, full]];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const [name, size, picture] of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw;height:100vh}</style>${picture}`);
  await page.screenshot({ path: join(folder, name), omitBackground: true });
  await page.close();
}
await browser.close();
