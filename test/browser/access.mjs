// What axe cannot see: text at 200 %, forced colours, the order of the tab key, where the focus goes,
// and what a first load really fetches.
import { gzipSync } from 'node:zlib';
import { axeViolations, open, settled, unexpected, until, visit, withSession } from './harness.mjs';

const PAGES = ({ device, line, frame }) => [
  '/', '/devices', `/devices/${device}`, `/devices/${device}?tab=chart`, `/devices/${device}?tab=consumption`, `/devices/${device}?tab=readings`, `/devices/${device}?tab=communication`, `/devices/${device}?tab=data`,
  '/devices/new?way=mbus', '/devices/new?way=modbus', '/chart', '/consumption', '/frames', `/frames/${frame}`, '/inspector', '/lines', `/lines/${line}`, '/jobs', '/settings/appearance', '/settings/users', '/settings/tokens', '/settings/audit',
];

/** Controls and rows whose text is cut off: their content is higher than they are. */
const cutOff = () => [...document.querySelectorAll('button, a.btn, .tab, .nav-item, select, .status, .grid-row:not([hidden]) .grid-cell, th, .kpi, h1, h2, label')]
  .filter((e) => e.getClientRects().length && getComputedStyle(e).overflowY !== 'auto' && e.clientHeight > 0 && e.scrollHeight > e.clientHeight + 2)
  .map((e) => `${e.tagName.toLowerCase()}.${e.className} "${e.textContent.trim().slice(0, 30)}" ${e.scrollHeight}/${e.clientHeight}`).slice(0, 5);

async function largeText(world, list) {
  const { tap, server } = world;
  const context = await withSession(world, { viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  // What a person sets in the browser as "font size: very large".
  await cdp.send('Page.setFontSizes', { fontSizes: { standard: 32, fixed: 26 } });
  await open(page, server, '/');
  tap.equal(await page.evaluate(() => getComputedStyle(document.body).fontSize), '28px', 'text follows the font size of the browser: 14 px become 28');
  for (const path of list) {
    await visit(page, path);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    tap.ok(over <= 0, `text at 200 %: ${path} does not scroll sideways`, `${over} px too wide`);
    const cut = await page.evaluate(cutOff);
    tap.ok(cut.length === 0, `text at 200 %: nothing is cut off on ${path}`, cut.join('\n'));
  }
  tap.equal(unexpected(context), [], 'text at 200 %: no console error');
  await context.close();
}

async function forcedColours(world, list) {
  const { tap, server } = world;
  const context = await withSession(world, { forcedColors: 'active', colorScheme: 'dark' });
  const page = await context.newPage();
  await open(page, server, '/');
  const border = await page.locator('.nav-item[aria-current="page"]').evaluate((e) => getComputedStyle(e).borderTopWidth);
  tap.equal(border, '2px', 'forced colours: the current page has a border in the navigation');
  await visit(page, list.find((p) => p.includes('tab=chart')));
  await page.locator('.chart canvas').waitFor();
  const keys = await until(() => page.locator('.chart-legend .swatch').evaluateAll((els) => els.length && [...new Set(els.map((e) => getComputedStyle(e).forcedColorAdjust))]), 'the legend');
  tap.equal(keys, ['none'], 'forced colours: the legend keeps the colours of its lines');
  const colours = await until(() => page.evaluate(() => {
    const c = document.querySelector('.chart canvas');
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60) seen.add(`${data[i] >> 5},${data[i + 1] >> 5},${data[i + 2] >> 5}`);
    return seen.size > 1 && seen.size;
  }), 'lines of several colours');
  tap.ok(colours > 1, 'forced colours: the chart has lines that can be told apart');
  const picture = await page.screenshot();
  tap.ok(picture.length > 10_000, 'forced colours: the page draws');
  tap.equal(unexpected(context), [], 'forced colours: no console error');
  await context.close();
}

const SETTINGS = [
  'Skip to content', 'Hypocaust', 'Overview', 'Devices', 'Analysis', 'Telegrams', 'Consumption', 'Lines', 'Jobs', 'Settings', 'Collapse', 'SearchCtrl K', 'Signed in as Anna Berg',
  'Appearance and keyboard', 'Users', 'API tokens', 'Keys', 'Data keeping', 'Forgotten readings', 'Audit log', 'As the system', 'Normal', 'Single-letter keys', 'Open the overview as a wall display',
  'Your name', 'Save', 'Present password', 'Show password', 'New password', 'Show password', 'Password again', 'Show password', 'Change password',
];

/** Presses Tab through a page; each stop must be visible, marked, and after the one before. */
async function tabOrder(world, path, wanted = []) {
  const { tap, server, browser } = world;
  const context = await withSession(world);
  const page = await context.newPage();
  await open(page, server, path);
  const stops = [];
  const faults = [];
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const s = getComputedStyle(e);
      const marked = (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== 'none' || e.matches('[type=radio], [type=checkbox]');
      const before = globalThis.hypLast;
      globalThis.hypLast = e;
      return {
        name: (e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || e.tagName).trim().replace(/\s+/g, ' ').slice(0, 40),
        marked, after: !before || !!(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING),
      };
    });
    if (!stop) break;
    stop.seen = await page.waitForFunction(() => {
      const r = document.activeElement.getBoundingClientRect();
      return r.width > 0 && r.bottom > 0 && r.top < innerHeight;
    }).then(() => true, () => false);
    stops.push(stop.name);
    for (const what of ['marked', 'seen', 'after']) if (!stop[what]) faults.push(`"${stop.name}" is not ${what}`);
  }
  tap.ok(faults.length === 0, `tab order of ${path}: every stop is visible, marked and in order (${stops.length})`, faults.join('\n'));
  // The count of problems comes and goes with the town.
  if (wanted.length) tap.equal(stops.filter((n) => !/^\d+ problems?$/.test(n)), wanted, `tab order of ${path} is the one agreed on`);
  tap.equal(stops[0], 'Skip to content', `the first stop of ${path} skips the navigation`);
  const found = await axeViolations(browser, page);
  tap.ok(found.length === 0, `${path} is accessible after a walk`, found.join('\n'));
  await context.close();
}

async function focusReturns(world) {
  const { tap, server } = world;
  const context = await withSession(world);
  const page = await context.newPage();
  const focused = () => page.evaluate(() => { const e = document.activeElement; return e === document.body || !e ? 'nothing' : e.id === 'main' ? 'main' : (e.getAttribute('aria-label') || e.title || e.textContent).trim().slice(0, 30); });
  await open(page, server, '/lines');
  const add = page.locator('.page-head').getByRole('button', { name: 'Add line' });
  await add.click();
  await page.getByRole('dialog', { name: 'Add line' }).waitFor();
  tap.ok(await page.evaluate(() => document.activeElement.closest('dialog') !== null), 'a dialog takes the focus');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  tap.equal(await focused(), 'Add line', 'a closed dialog gives it back');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('combobox').waitFor({ state: 'detached' });
  tap.equal(await focused(), 'Add line', 'so does the search box');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('keyboard');
  await page.getByRole('option').filter({ hasText: 'Command' }).click();
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  tap.ok(true, 'what awkward keys do is a command too');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  tap.ok(await focused() !== 'nothing', 'after a command the focus is somewhere');

  await open(page, server, '/devices');
  await page.locator('.grid-row:not([hidden]):not(.is-blank)').first().waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  const peek = page.locator('.peek');
  await peek.waitFor();
  await page.waitForURL(/peek=\d/);
  const first = new URL(page.url()).searchParams.get('peek');
  await peek.getByRole('button', { name: 'Next item of the list' }).click();
  await page.waitForURL((u) => u.searchParams.get('peek') !== first);
  tap.ok(true, 'the panel goes to the next row by a button');
  await page.keyboard.press('[');
  await page.waitForURL((u) => u.searchParams.get('peek') === first);
  tap.ok(true, 'and back by a key');
  await peek.getByRole('button', { name: 'Close' }).click();
  await peek.waitFor({ state: 'detached' });
  tap.equal(await focused(), 'Devices', 'a closed panel gives the focus to its list');
  await page.locator('.nav').getByRole('link', { name: 'Jobs' }).click();
  await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
  await settled(page);
  tap.equal(await focused(), 'main', 'a new page begins at its start');

  await open(page, server, '/settings/appearance');
  await page.getByLabel('Compact').check();
  await visit(page, '/devices');
  const height = () => page.locator('.grid-row:not([hidden])').first().evaluate((e) => e.getBoundingClientRect().height);
  tap.equal(await height(), 28, 'compact rows are 28 px high');
  await visit(page, '/settings/appearance');
  await page.getByLabel('Normal').check();
  await visit(page, '/devices');
  tap.equal(await height(), 32, 'normal ones 32');
  tap.equal(unexpected(context), [], 'focus: no console error');
  await context.close();
}

const BUDGET = 60 * 1024;

/**
 * What a browser with an empty cache fetches until the page is at rest, packed as the program carries it
 * (files from a folder, as here, are packed in haste). Fonts and pictures do not count.
 */
async function firstLoads(world, list) {
  const { tap, server } = world;
  for (const path of list) {
    const context = await withSession(world);
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    const sizes = [];
    page.on('response', (r) => {
      const url = new URL(r.url());
      // What comes after the page is at rest may still be on its way when the window closes: it does not count.
      if (!url.pathname.startsWith('/api/') && !/\.(woff2|png|svg|webmanifest)$/.test(url.pathname)) sizes.push(r.body().then((b) => gzipSync(b, { level: 9 }).length, () => 0));
    });
    await open(page, server, path);
    const bytes = (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
    const cpu = Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value])).TaskDuration * 1000;
    tap.ok(sizes.length > 4 && bytes > 20_000 && bytes <= BUDGET, `${path}: a first load fetches at most 60 KB`, `${sizes.length} files, ${bytes} bytes`);
    tap.note(`${path}: ${sizes.length} files, ${(bytes / 1024).toFixed(1)} KB, ${cpu.toFixed(0)} ms of the page's CPU until it is at rest`);
    await context.close();
  }
}

async function installable({ tap, server, admin }) {
  const manifest = await (await admin.request.get(`${server.url}/manifest.webmanifest`)).json();
  const wanted = { '192x192': 'any', '512x512': 'any' };
  for (const [size, purpose] of Object.entries(wanted)) tap.ok(manifest.icons.some((i) => i.sizes === size && i.purpose === purpose), `the installed application has an icon of ${size}`);
  tap.ok(manifest.icons.some((i) => i.purpose === 'maskable'), 'and one that may be cut to any shape');
  for (const icon of manifest.icons) {
    const answer = await admin.request.get(server.url + icon.src);
    tap.ok(answer.ok() && answer.headers()['content-type'] === icon.type, `${icon.src} is there`, answer.status());
  }
}

export async function run(world) {
  const lines = await world.api.get('/lines');
  const frames = await world.api.get(`/devices/${world.device.id}/frames`);
  const list = PAGES({ device: world.device.id, line: lines.items[0].id, frame: frames.items[0].id });
  await Promise.all([largeText(world, list), (async () => {
    await forcedColours(world, list);
    await focusReturns(world);
    await installable(world);
  })()]);
  await tabOrder(world, '/settings/appearance', SETTINGS);
  await tabOrder(world, '/devices');
  await tabOrder(world, list.find((p) => p.includes('tab=chart')));
  await tabOrder(world, list.find((p) => p.includes('tab=consumption')));
  await firstLoads(world, ['/', '/devices', `/devices/${world.device.id}?tab=chart`, `/devices/${world.device.id}?tab=consumption`, '/chart', '/lines', `/frames/${frames.items[0].id}`]);
}
