// Every page in both themes and at phone width: accessible, no sideways scrolling, no complaints.
import { axeViolations, chord, open, rememberSignIn, settled, unexpected, until, visit, withSession } from './harness.mjs';

function allPages({ device, line, frame }) {
  return [
    '/', '/devices', `/devices?peek=${device}`, '/devices?state=failing', `/devices/${device}`, `/devices/${device}?tab=chart`, `/devices/${device}?tab=chart&view=table`, `/devices/${device}?tab=readings`, `/devices/${device}?tab=consumption`,
    `/devices/${device}?tab=communication`, `/devices/${device}?tab=telegrams`, `/devices/${device}?tab=data`, '/devices/new', '/devices/new?way=mbus', '/devices/new?way=modbus', '/devices/new?way=radio',
    '/chart', '/consumption', '/consumption?step=day&key=volume', '/frames', `/frames/${frame}`, '/inspector', '/lines', `/lines/${line}`, '/jobs', '/settings/appearance', '/settings/users', '/settings/tokens', '/settings/data', '/settings/audit', '/?kiosk=1',
  ];
}

const DARK_RULES = { type: 'rule', values: ['color-contrast'] };

/** One page in one visit: every rule in the light theme, every colour in the dark one, and no sideways scrolling at 320 px. */
async function onePage({ tap, browser }, page, path) {
  await visit(page, path);
  const light = await axeViolations(browser, page);
  tap.ok(light.length === 0, `light ${path} is accessible`, light.join('\n'));
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await axeViolations(browser, page, DARK_RULES);
  tap.ok(dark.length === 0, `dark ${path} has enough contrast`, dark.join('\n'));
  await page.emulateMedia({ colorScheme: 'light' });
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
  const found = await axeViolations(browser, page);
  tap.ok(found.length === 0, 'a phone page is accessible', found.join('\n'));
  tap.equal(unexpected(context), [], 'phone: no console error and no CSP report');
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
  await keyboard(world);
  await motionAndPrint(world);
  await oneStream(world);
  world.tap.equal(unexpected(world.admin), [], 'keyboard, print and windows leave no console error');
}
