// Every page in both themes and at phone width: accessible, no sideways scrolling, no complaints.
import { axeViolations, chord, open, rememberSignIn, removeShown, settled, unexpected, until, visit, withSession } from './harness.mjs';

function allPages({ device, line, frame }) {
  return [
    '/', '/devices', `/devices?peek=${device}`, '/devices?state=failing', `/devices/${device}`, `/devices/${device}?tab=chart`, `/devices/${device}?tab=chart&view=table`, `/devices/${device}?tab=readings`, `/devices/${device}?tab=consumption`,
    `/devices/${device}?tab=communication`, `/devices/${device}?tab=telegrams`, `/devices/${device}?tab=data`, '/devices/new', '/devices/new?way=mbus', '/devices/new?way=modbus', '/devices/new?way=radio',
    '/chart', '/consumption', '/consumption?step=day&key=volume', '/frames', `/frames/${frame}`, '/inspector', '/lines', `/lines/${line}`, '/jobs', '/settings/appearance', '/settings/users', '/settings/tokens', '/settings/keys', '/settings/data', '/settings/forgotten', '/settings/audit', '/?kiosk=1',
  ];
}

const DARK_RULES = { type: 'rule', values: ['color-contrast'] };

/** What a finger does not hit well, and tables that hide columns; links in a line of text are as high as it. Null: the page is for a mouse. */
function clumsy() {
  if (!matchMedia('(pointer: coarse)').matches) return null;
  const shown = (e) => e.getClientRects().length > 0 && !e.closest('.sr, .skip, .grid-row') && !(e.tagName === 'A' && getComputedStyle(e).display === 'inline');
  const box = (e) => (/checkbox|radio/.test(e.type) ? e.closest('label, .grid-check, td') ?? e : e).getBoundingClientRect();
  const said = (e) => `${e.tagName} ${e.className} ${(e.ariaLabel ?? e.textContent).trim().slice(0, 30)}`;
  const small = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(shown)
    .filter((e) => { const r = box(e); return r.height < 43.5 || r.width < (e.matches('.btn-icon') ? 43.5 : 35.5); }).map(said);
  const cut = [...document.querySelectorAll('.table-box:not(.chart-table)')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => `${e.scrollWidth} px of table in ${e.clientWidth}`);
  return [...new Set([...small, ...cut])];
}

/** A page in hand: 390 px wide and pressed with fingers. */
async function inHand(page) {
  const debug = await page.context().newCDPSession(page);
  await page.setViewportSize({ width: 390, height: 844 });
  // Answered before the page has it, and on a busy machine the page may lose it again: measured is only what fingers get.
  const found = await until(async () => {
    await debug.send('Emulation.setTouchEmulationEnabled', { enabled: true });
    await settled(page);
    return page.evaluate(clumsy);
  }, 'fingers on the page');
  await debug.send('Emulation.setTouchEmulationEnabled', { enabled: false });
  await debug.detach();
  return found;
}

/** One page in one visit: every rule in the light theme, every colour in the dark one, a phone, and no sideways scrolling at 320 px. */
async function onePage({ tap, browser }, page, path) {
  await visit(page, path);
  const light = await axeViolations(browser, page);
  tap.ok(light.length === 0, `light ${path} is accessible`, light.join('\n'));
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await axeViolations(browser, page, DARK_RULES);
  tap.ok(dark.length === 0, `dark ${path} has enough contrast`, dark.join('\n'));
  await page.emulateMedia({ colorScheme: 'light' });
  tap.equal(await inHand(page), [], `390 px ${path} is made for fingers: 44 px high, and tables show all they have`);
  await page.setViewportSize({ width: 320, height: 640 });
  await settled(page);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  tap.ok(over <= 0, `320 px ${path} does not scroll sideways`, `${over} px too wide`);
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** The pages, shared out between as many windows as a small machine has cores. */
async function everyPage(world, list) {
  const next = list.values();
  await Promise.all([1, 2].map(async () => {
    const context = await withSession(world);
    const page = await context.newPage();
    await open(page, world.server, '/');
    for (const path of next) await onePage(world, page, path);
    world.tap.equal(unexpected(context), [], 'no console error and no CSP report on any page');
    await context.close();
  }));
}

async function narrow(world) {
  const { tap, server, browser } = world;
  const context = await withSession(world, { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: false });
  const page = await context.newPage();
  await open(page, server, '/');
  tap.ok(await page.locator('.bottom').isVisible() && !(await page.locator('.nav').isVisible()), 'a phone has the bottom bar instead of the side bar');
  const small = await page.evaluate(() => [...document.querySelectorAll('.bottom a, .bottom button')].filter((e) => e.getBoundingClientRect().height < 44).length);
  tap.equal(small, 0, 'its targets are at least 44 px high');
  await page.locator('.bottom').getByRole('button', { name: 'More' }).click();
  await page.locator('.bottom .menu').getByRole('link', { name: 'Lines' }).click();
  await page.getByRole('heading', { name: 'Lines' }).waitFor();
  tap.ok(true, 'the rest is behind "More"');
  await visit(page, '/frames');
  tap.ok(await page.locator('.toolbar select').isVisible(), 'telegrams can be chosen by their line there too');
  await visit(page, '/lines');
  const found = await axeViolations(browser, page);
  tap.ok(found.length === 0, 'a phone page is accessible', found.join('\n'));
  tap.equal(unexpected(context), [], 'phone: no console error and no CSP report');
  await context.close();
}

/** A tablet has room for a list beside a device; names as long as they come break instead of widening the page. */
async function betweenAndLong(world) {
  const { tap, server, api, device } = world;
  const context = await withSession(world, { viewport: { width: 820, height: 1180 } });
  const page = await context.newPage();
  await open(page, server, `/devices?peek=${device.id}`);
  await page.locator('.peek').waitFor();
  tap.ok(await page.locator('.grid').evaluate((e) => e.clientWidth) >= 350, 'on a tablet a list keeps its width beside the panel of a device');
  const long = 'Donaudampfschifffahrtsgesellschaftskapitänswohnungsübergabestation';
  const named = await api.post('/devices', { name: `${long}, flat 4`, kind: 'heat_meter', address: long, serial: '25999999', line: null, schedule: 'none' });
  await page.setViewportSize({ width: 320, height: 640 });
  for (const path of [`/devices/${named.id}`, `/devices/${named.id}?tab=data`, `/devices?search=25999999`]) {
    await visit(page, path);
    tap.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `a long name does not widen ${path.replace(named.id, 'N')}`);
  }
  await visit(page, `/devices/${named.id}?tab=consumption`);
  tap.ok(await page.getByRole('heading', { name: 'No readings received' }).isVisible(), 'a meter that was never read is not said to count nothing');
  tap.equal(unexpected(context), [], 'tablet and long names: no console error and no CSP report');
  await page.setViewportSize({ width: 1440, height: 900 });
  await api.post(`/devices/${named.id}/values`, { key: 'energy', unit: 'kWh', value: '123456789012.345', time: '2026-01-01T00:00:00Z', quality: 'manual', reason: 'a number as wide as they come' });
  for (const path of ['/devices?search=25999999', `/devices/${named.id}?tab=readings&from=2025-12-01T00:00:00Z&to=2026-02-01T00:00:00Z`]) {
    await visit(page, path);
    const cell = page.locator('.grid-cell', { hasText: '123,456,789,012.345' });
    await cell.waitFor();
    tap.ok(await cell.evaluate((e) => e.scrollWidth <= e.clientWidth), `numbers of fifteen digits are whole on ${path.replace(named.id, 'N')}`);
  }
  await removeShown(page, api, named);
  await context.close();
}

/** Which of several servers has a line open; of one server alone nothing is said. */
async function severalServers(world, line) {
  const { tap, server } = world;
  const context = await withSession(world);
  const page = await context.newPage();
  await open(page, server, '/lines');
  tap.equal(await page.getByText(/open on/).count(), 0, 'a server that is alone does not say where a line is open');
  const onNorth = (l) => ({ ...l, member: 'north' });
  await page.route('**/api/v1/lines?*', async (r) => { const answer = await r.fetch(); const list = await answer.json(); await r.fulfill({ response: answer, json: { ...list, items: list.items.map(onNorth) } }); });
  await page.route(`**/api/v1/lines/${line}`, async (r) => { const answer = await r.fetch(); await r.fulfill({ response: answer, json: onNorth(await answer.json()) }); });
  await open(page, server, '/lines');
  await page.getByText('open on north').first().waitFor();
  await open(page, server, `/lines/${line}`);
  tap.match(await page.locator('.facts').first().textContent(), /Open onnorth/, 'of several servers the one that has a line open is named');
  tap.equal(unexpected(context), [], 'several servers: no console error and no CSP report');
  await context.close();
}

/** Somebody else than in the other windows: a chosen theme goes with the person. */
async function otherAdmin({ browser, server, api }) {
  const person = { login: 'karl', name: 'Karl Kjær', password: 'types with ten fingers', role: 'admin' };
  await api.post('/users', person);
  const context = await browser.person();
  const answer = await context.request.post(`${server.url}/api/v1/session`, { data: { login: person.login, password: person.password } });
  if (!answer.ok()) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
  await rememberSignIn(context);
  return context;
}

async function keyboard(world) {
  const { tap, server, device } = world;
  const context = await otherAdmin(world);
  const page = await context.newPage();
  await open(page, server, '/');
  await chord(page, 'g', 't', '**/devices');
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
  tap.ok(true, 'g t goes to the devices');
  await page.keyboard.press('f');
  tap.ok(await page.getByPlaceholder('Filter by name, serial number, address').evaluate((el) => el === document.activeElement), 'f goes to the filter');
  await page.keyboard.press('Control+k');
  const box = page.getByRole('combobox');
  await box.waitFor();
  const offered = await page.getByRole('option').allTextContents();
  const missing = ['Overview', 'Devices', 'Analysis', 'Telegrams', 'Consumption', 'Lines', 'Jobs', 'Users', 'API tokens', 'Keys', 'Data keeping', 'Forgotten readings', 'Audit log'].filter((x) => !offered.some((o) => o.startsWith(x)));
  tap.equal(missing, [], 'Ctrl+K offers every page there is');
  await box.fill(device.serial);
  await page.getByRole('option').filter({ hasText: device.name }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`/devices/${device.id}$`));
  tap.ok(true, 'Ctrl+K finds a device by its serial number');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  tap.ok(true, '? lists the keys, Escape closes');
  await open(page, server, '/settings/appearance');
  await page.getByLabel('Single-letter keys').uncheck();
  await page.locator('body').press('g');
  await page.locator('body').press('t');
  tap.match(page.url(), /settings\/appearance/, 'single letters can be switched off');
  await page.getByLabel('Single-letter keys').check();
  await page.getByLabel('Dark').check();
  tap.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark', 'the dark theme is chosen at once');
  await page.reload();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  tap.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark', 'and remembered');
  await page.getByLabel('As the system').check();
  tap.equal(unexpected(context), [], 'keyboard: no console error and no CSP report');
  await context.close();
}

async function motionAndPrint({ tap, server, admin }) {
  const page = await admin.newPage();
  await open(page, server, '/jobs');
  const duration = await page.evaluate(() => { const i = document.createElement('div'); i.className = 'bone'; document.body.append(i); const d = getComputedStyle(i).animationDuration; i.remove(); return parseFloat(d); });
  tap.ok(duration < 0.01, 'reduced motion stops animations');
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  tap.ok(!(await page.locator('.nav').isVisible()), 'print leaves out the navigation');
  tap.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)', 'print is light');
  await page.close();
}

async function oneStream({ tap, server, admin }) {
  for (const left of admin.pages()) await left.close();
  let streams = 0;
  const count = (r) => { if (r.url().includes('/api/v1/stream')) streams++; };
  const a = await admin.newPage();
  await open(a, server, '/devices');
  await a.locator('.top-live', { hasText: 'Live' }).waitFor();
  const b = await admin.newPage();
  b.on('request', count);
  await open(b, server, '/devices');
  await b.locator('.top-live', { hasText: 'Live' }).waitFor();
  tap.equal(streams, 0, 'a second window is fed by the first one\'s stream');
  await a.close();
  await until(() => streams > 0, 'the second window to open a stream');
  tap.ok(true, 'and takes the stream over when the first one closes');
  await b.close();
}

export async function run(world) {
  const lines = await world.api.get('/lines');
  const frames = await world.api.get(`/devices/${world.device.id}/frames`);
  const list = allPages({ device: world.device.id, line: lines.items[0].id, frame: frames.items[0].id });
  await everyPage(world, list);
  await narrow(world);
  await betweenAndLong(world);
  await severalServers(world, lines.items[0].id);
  await keyboard(world);
  await motionAndPrint(world);
  await oneStream(world);
  world.tap.equal(unexpected(world.admin), [], 'keyboard, print and windows leave no console error');
}
