// How long readings stay, with a look at what goes before it is changed; backups, made, failed and switched off.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forgetting } from './forgetting.mjs';
import { Api, axeViolations, firstAdmin, folder, open, Server, settled, unexpected, until } from './harness.mjs';

const PAGE = '/settings/data';
const card = (page, name) => page.getByRole('region', { name, exact: true });
const said = (place, label) => place.locator('.field', { has: place.page().getByLabel(label) }).getByRole('alert');
const plain = (text) => text.replace(/[\s\u00a0\u202f]+/g, ' ').trim();

async function backups(tap, page, api, server) {
  await until(async () => (await api.get('/backups')).items.length > 0, 'the first backup');
  await open(page, server, PAGE);
  const here = card(page, 'Backups');
  await here.getByRole('row', { name: /Whole/ }).waitFor();
  tap.match(plain(await here.textContent()), /Last backup .*ScheduleEvery day at 03:15; 3 are kept/, 'the first backup is made at once; schedule and last success are shown');
  const button = here.getByRole('button', { name: 'Make a backup now' });
  // The names of backups go by the second.
  await until(async () => Date.parse((await api.get('/status')).time) > Date.parse((await api.get('/backups')).items[0].time) + 1000, 'the next second');
  await button.click();
  await here.getByRole('row', { name: /Whole/ }).nth(1).waitFor();
  tap.equal((await api.get('/backups')).items.map((b) => b.state), ['good', 'good'], 'one more is made when it is asked for');
  await until(() => button.isEnabled(), 'the button to come back');
  await open(page, server, '/settings/audit');
  await page.locator('.grid-row', { hasText: 'Backup asked for' }).waitFor();
  tap.ok(true, 'the audit log says who asked');
}

async function rule(tap, page, api, server) {
  await open(page, server, PAGE);
  const here = card(page, 'How long readings are kept');
  tap.match(plain(await here.textContent()), /All readings stay for 13 months\..*one a day stays.*the one nearest to 00:00.*After 60 months they are removed/, 'the rule is said in sentences');
  tap.match(plain(await here.textContent()), /Oldest reading2024-02-01 07:00.*Next run/, 'with the oldest reading and the next run');
  await here.getByRole('button', { name: 'Change' }).click();
  const form = page.getByRole('dialog', { name: 'How long readings are kept' });
  const preview = form.getByRole('region', { name: 'What goes' });
  await preview.getByText(/One a day before \d{4}-\d\d-\d\d:/).waitFor();
  const save = form.getByRole('button', { name: 'Save' });
  await form.getByLabel('Months with all readings').fill('x');
  await save.click();
  tap.match(await said(form, 'Months with all readings').textContent(), /whole number/, 'what is no number is said at its field');
  await form.getByLabel('Months with all readings').fill('6');
  await form.getByLabel('Months until they are removed').fill('5');
  await preview.getByText(/full_months/).waitFor();
  tap.ok(true, 'a rule that contradicts itself is told before it is saved');
  await form.getByLabel('Months until they are removed').fill('12');
  await preview.getByText(/Removed before \d{4}-\d\d-\d\d: 1 device has readings that old/).waitFor();
  tap.ok(true, 'the preview says by when what goes, and of how many devices');
  await save.click();
  tap.match(await form.locator('.field-error').textContent(), /Confirm that readings may go/, 'a shorter time has to be confirmed');
  tap.equal((await api.get('/retention')).full_months, 13, 'until then nothing is changed');
  await form.getByLabel('Readings may go that cannot be brought back').check();
  await form.getByLabel('Hour of the day\'s reading').fill('24');
  await form.getByLabel('Readings may go that cannot be brought back').check();
  await save.click();
  tap.match(await said(form, 'Hour of the day\'s reading').textContent(), /Must be 0 to 23/, 'what the server refuses is said at its field');
  await form.getByLabel('Hour of the day\'s reading').fill('6');
  await form.getByLabel('Readings may go that cannot be brought back').check();
  await save.click();
  await form.waitFor({ state: 'detached' });
  await here.getByText('All readings stay for 6 months.').waitFor();
  tap.equal(await api.get('/retention'), { full_months: 6, day_months: 12, day_hour: 6 }, 'confirmed, it is saved');
  await here.getByRole('button', { name: 'Change' }).click();
  await form.getByLabel('Months with all readings').fill('0');
  await form.getByLabel('Months until they are removed').fill('0');
  await preview.getByText('Nothing is thinned or removed.').waitFor();
  tap.equal(await form.getByRole('checkbox').count(), 0, 'a longer time needs no confirmation');
  await save.click();
  await here.getByText('All readings stay for ever.').waitFor();
  tap.ok(true, 'for ever is said as such');
}

/** A backup that fails says where, why and what helps; one that cannot be asked for, too. */
async function failing(tap, page, api, server) {
  await server.stop();
  const inTheWay = join(folder(), 'in the way');
  writeFileSync(inTheWay, 'a file');
  await server.start('--backup-to', inTheWay);
  await until(async () => { const b = await api.get('/backups'); return b.last_error && !b.running; }, 'the failure');
  await open(page, server, PAGE);
  const here = card(page, 'Backups');
  await here.getByText('The last backup failed').waitFor();
  const text = plain(await here.getByRole('alert').textContent());
  tap.ok(text.includes(inTheWay) && /Check that the disk|tried again in an hour|Give the service/.test(text), 'a failed backup says where and why, and what helps', text);
  tap.ok(await here.getByText('No backups in the folder').isVisible(), 'an empty folder is said to be empty');
}

async function unloaded(tap, page, server) {
  for (const what of ['retention/plan', 'backups', 'overview']) await page.route(`**/api/v1/${what}*`, (r) => r.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"status":500,"detail":"The disk said no."}' }));
  await open(page, server, PAGE);
  for (const name of ['The rule could not be loaded.', 'The backups could not be loaded.', 'The state of the store could not be loaded.']) tap.ok(await page.getByText(name).isVisible(), `"${name}" with a way out`);
  for (const what of ['retention/plan', 'backups', 'overview']) await page.unroute(`**/api/v1/${what}*`);
  for (const name of ['How long readings are kept', 'Backups', 'Store']) await card(page, name).getByRole('button', { name: 'Try again' }).click();
  await page.getByText('All readings stay for ever.').waitFor();
  tap.ok(true, 'and the way out works');
}

async function looks({ tap, browser }, page, name) {
  const shot = async (what) => { if (process.env.HYP_SHOTS) await page.screenshot({ path: `${process.env.HYP_SHOTS}/${what}.png`, fullPage: true }); };
  for (const [how, size, colorScheme] of [['desk', [1440, 900], 'light'], ['dark', [1440, 900], 'dark'], ['phone', [390, 844], 'light']]) {
    await page.setViewportSize({ width: size[0], height: size[1] });
    await page.emulateMedia({ colorScheme });
    await settled(page);
    tap.equal(await axeViolations(browser, page), [], `${name}, ${how}: axe finds nothing`);
    tap.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}, ${how}: nothing is too wide`);
    await shot(`${name}-${how}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

export async function run(world) {
  const { tap, browser } = world;
  const server = new Server();
  await server.start('--backup-to', join(folder(), 'backups'), '--backup-at', '03:15', '--backup-keep', '3');
  const admin = await firstAdmin(browser, server);
  const api = new Api(server, admin.request);
  const page = await admin.newPage();
  const device = await api.post('/devices', { name: 'old meter', manufacturer: 'KAM', serial: '12345678', version: 53, medium: 4, line: null, schedule: 'none' });
  await api.post(`/devices/${device.id}/values`, { key: 'energy', unit: 'kWh', value: '17', time: '2024-02-01T06:00:00Z', quality: 'manual', reason: 'from the book' });
  await backups(tap, page, api, server);
  await forgetting(tap, page, api, server, device, (name) => looks(world, page, name));
  await open(page, server, PAGE);
  await looks(world, page, 'keeping');
  await rule(tap, page, api, server);
  await page.locator('.card').first().getByRole('button', { name: 'Change' }).click();
  await page.getByLabel('Months with all readings').fill('3');
  await page.getByRole('dialog').getByText(/One a day before/).waitFor();
  await looks(world, page, 'keeping-form');
  await failing(tap, page, api, server);
  await looks(world, page, 'keeping-failed');
  await unloaded(tap, page, server);
  tap.equal(unexpected(admin, [/status of (409|422|500)/, /ERR_/]), [], 'data keeping leaves no console error and no CSP report');
  await admin.close();
  await server.stop();
  const usual = await world.admin.newPage();
  await open(usual, world.server, PAGE);
  tap.match(plain(await card(usual, 'Backups').textContent()), /Backups are switched off.*--backup-to/, 'a server without backups says how to switch them on');
  await usual.setViewportSize({ width: 390, height: 844 });
  await open(usual, world.server, PAGE);
  const tab = await usual.locator('.tab[aria-current]').boundingBox();
  tap.ok(tab.x >= 0 && tab.x + tab.width <= 390, 'on a phone the current tab is in sight');
  await usual.close();
}
