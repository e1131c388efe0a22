// An M-Bus master that is hard to search: live progress, narrowing, stopping, found meters added with
// their names and profiles, commands to a meter. Runs on a simulated master and a server of its own: what takes
// its time here is silence, and other subjects can use that.
import { Api, axeViolations, firstAdmin, open, Server, settled, Town, unexpected, until } from './harness.mjs';

// One with hex digits in its number and a dead one among them; none takes its time, so a short time-out will do.
// How slow meters, twins and 250 of them are found is system/mbus_master's.
const METERS = 6;
const TIMEOUT_MS = 300;

async function begin(page, server, line) {
  await open(page, server, `/lines/${line.id}`);
  await page.locator('.page-head').getByRole('button', { name: 'Search devices' }).click();
  return page.getByRole('dialog', { name: 'Search on crowd' });
}

async function narrowing({ tap, server }, page, line, crowd) {
  const dialog = await begin(page, server, line);
  const pattern = dialog.getByLabel('Serial number pattern');
  await pattern.fill('12X');
  await dialog.getByRole('button', { name: 'Start search' }).click();
  tap.match(await dialog.getByRole('alert').textContent(), /hex digits/, 'a pattern that is none is refused at its field');
  const one = crowd[0];
  await pattern.fill(`${one.id.slice(0, 8)}.${one.manufacturer}`);
  await dialog.getByRole('button', { name: 'Start search' }).click();
  await dialog.locator('.job-line', { hasText: 'Done' }).waitFor();
  tap.equal(await dialog.locator('.found-box tbody td:nth-child(2)').allTextContents(), [one.id], 'a pattern finds its meter and no other');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
}

async function patience(api, line, ms) {
  const { revision } = await api.get(`/lines/${line.id}`);
  await api.call('PATCH', `/lines/${line.id}`, { revision, timeout_ms: ms });
}

/** Silent addresses take their time meanwhile: the search must not be over before somebody can stop it. */
async function stopping({ tap, server, api }, page, line) {
  await patience(api, line, 5 * TIMEOUT_MS);
  const dialog = await begin(page, server, line);
  await dialog.getByRole('button', { name: 'Start search' }).click();
  await dialog.locator('.found-box tbody tr').first().waitFor();
  const progress = dialog.getByRole('progressbar');
  const share = async () => Number(await progress.getAttribute('aria-valuenow'));
  await until(async () => (await share()) > 0, 'progress to be shown');
  tap.match(await dialog.locator('.job-line').textContent(), /(Running|Waiting|Queued).*\d+ %.*\d+ found/, 'a search shows that it runs, percent and how many it has found, while it runs');
  await dialog.getByRole('button', { name: 'Stop' }).click();
  await dialog.getByRole('button', { name: 'Search again' }).waitFor();
  tap.ok(await dialog.locator('.found-box tbody tr').count() > 0, 'what a stopped search had found stays');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await patience(api, line, TIMEOUT_MS);
}

/** On a phone a found meter is a card: nothing to scroll sideways, and still a table for those who listen. */
async function narrow({ tap, browser }, page, dialog, row) {
  await page.setViewportSize({ width: 390, height: 844 });
  const over = () => dialog.evaluate((d) => [d, ...d.querySelectorAll('.dialog-body, .found-box, .found-table tbody tr')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className));
  tap.equal(await over(), [], 'found meters fit a phone without scrolling sideways');
  tap.match(await row.locator('td').nth(1).evaluate((e) => getComputedStyle(e, '::before').content), /Serial no\./, 'each figure has its name beside it');
  tap.ok(await dialog.getByRole('row').count() > 1 && await dialog.getByRole('columnheader', { name: 'Serial no.' }).count() === 1, 'and stays a row of a table');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    tap.equal(await axeViolations(browser, page), [], `found meters on a phone, ${colorScheme}: axe finds nothing`);
    if (process.env.HYP_SHOTS) { await row.scrollIntoViewIfNeeded(); await page.screenshot({ path: `${process.env.HYP_SHOTS}/scan-phone-${colorScheme}.png` }); }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function adopting(world, page, line, crowd) {
  const { tap, server } = world;
  const dialog = await begin(page, server, line);
  await dialog.getByRole('button', { name: 'Start search' }).click();
  await dialog.locator('.job-line', { hasText: 'Done' }).waitFor();
  const serials = (await dialog.locator('.found-box tbody td:nth-child(2)').allTextContents()).sort();
  tap.equal(serials, crowd.map((m) => m.id).sort(), 'the whole search finds every meter that answers');
  await dialog.getByLabel(/Choose all \d+ new devices/).check();
  const row = dialog.locator('.found-box tbody tr', { hasText: crowd[0].id });
  await row.getByLabel(`Name of ${crowd[0].id}`).fill('Main meter, cellar');
  tap.ok((await row.getByLabel(`Profile of ${crowd[0].id}`).inputValue()).length > 0, 'a profile is suggested');
  if (world.shots) await page.screenshot({ path: `${world.shots}/scan.png` });
  await narrow(world, page, dialog, row);
  await dialog.getByRole('button', { name: `Add ${crowd.length} devices` }).click();
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
  await open(page, server, '/lines');
  tap.match(await page.getByRole('row', { name: /crowd/ }).textContent(), new RegExp(`${crowd.length} / 250`), 'the line counts its meters and says how many it carries');
  return serials.length;
}

async function commands({ tap, server, api }, page, line) {
  const device = (await api.get(`/devices?limit=100&line=${line.id}`)).items.find((d) => d.name === 'Main meter, cellar');
  tap.ok(device?.secondary && device.medium !== null, 'a meter found by its number is read by it');
  await open(page, server, `/devices/${device.id}?tab=data`);
  await page.getByRole('button', { name: 'Set primary address' }).click();
  const dialog = page.getByRole('dialog', { name: /Set primary address of Main meter/ });
  await dialog.getByLabel('New address').fill('251');
  await dialog.getByRole('button', { name: 'Set address' }).click();
  tap.match(await dialog.getByRole('alert').textContent(), /250/, 'an impossible address is refused at its field');
  await dialog.getByLabel('New address').fill('77');
  await dialog.getByRole('button', { name: 'Set address' }).click();
  await dialog.getByText('The meter has taken it.').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await until(async () => (await api.get(`/devices/${device.id}`)).primary_address === 77, 'the device to follow');
  tap.ok(true, 'a command is confirmed, carried out, and the device follows');
  await page.getByRole('button', { name: 'Reset application' }).click();
  const reset = page.getByRole('dialog', { name: /Reset application/ });
  await reset.getByRole('button', { name: 'Reset application' }).click();
  await reset.getByText('The meter has taken it.').waitFor();
  await reset.getByRole('button', { name: 'Close' }).last().click();
  await open(page, server, '/settings/audit');
  await page.locator('.grid-row:not([hidden])').first().waitFor();
  const log = await page.locator('.grid-row:not([hidden])').allTextContents();
  tap.ok(log.some((l) => /Command to a meter/.test(l) && /77/.test(l)), 'the audit log tells of it', log.slice(0, 4).join('\n'));
}

export async function run({ tap, browser, shots }) {
  const [server, town] = await Promise.all([new Server().start(), new Town().start('--crowd', String(METERS), '--echo')]);
  const admin = await firstAdmin(browser, server);
  const api = new Api(server, admin.request);
  const world = { tap, browser, shots, server, admin, api };
  const page = await admin.newPage();
  const crowd = town.manifest.devices.filter((m) => !m.silent);
  const line = await api.post('/lines', { name: 'crowd', kind: 'mbus-tcp', host: town.manifest.lines[0].host, port: town.manifest.lines[0].port, timeout_ms: TIMEOUT_MS, retries: 1, enabled: true });
  await narrowing(world, page, line, crowd);
  await stopping(world, page, line);
  await adopting(world, page, line, crowd);
  await commands(world, page, line);
  await settled(page);
  // A search that ends as it is stopped can no longer be cancelled: 409.
  tap.equal(unexpected(admin, [/409/, /422/]), [], 'searching and commanding leaves no console error and no CSP report');
  await admin.close();
  await Promise.all([town.stop(), server.stop()]);
}
