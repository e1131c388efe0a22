// What many meters counted: the server's sums by unit, marks of what is missing or estimated, sorting, filters in the
// address bar, the file, the way to each meter, a phone, and ten thousand meters in few rows of the document.
import { readFileSync } from 'node:fs';
import { Api, axeViolations, firstAdmin, open, Server, settled, unexpected, until } from './harness.mjs';

const YEAR = '/consumption?at=2025-06-15T00:00:00Z';
const rows = (page) => page.locator('.grid-row:not([hidden])');
const plain = (text) => text.replace(/[\u202f\u00a0]/g, ' ').trim();
const names = (page) => page.evaluate(() => [...document.querySelectorAll('.grid-row:not([hidden])')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((r) => r.querySelector('.grid-cell').textContent));
const cells = async (page, name) => (await rows(page).filter({ hasText: name }).locator('.grid-cell').allTextContents()).map(plain);

/** First of each month of 2025, noon of the zone's midnight: `per` more each month, without those of `gaps`; one reading may be estimated. */
function months(per, unit, gaps = [], estimated = 0) {
  const lines = [`time;energy [${unit}];quality`];
  for (let m = 1; m <= 13; m++) {
    if (gaps.includes(m)) continue;
    lines.push(`${new Date(Date.UTC(2025, m - 1, 1) - (m > 3 && m < 11 ? 7_200_000 : 3_600_000)).toISOString().replace('.000', '')};${1000 + (m - 1) * per};${m === estimated ? 'estimated' : 'good'}`);
  }
  return `${lines.join('\n')}\n`;
}

async function fill(api) {
  const add = async (name, kind, serial, text) => {
    const d = await api.post('/devices', { name, kind, manufacturer: 'KAM', serial, line: null, schedule: 'none' });
    if (text) await api.call('POST', `/readings/import?device=${d.id}`, text, true);
    return d.id;
  };
  const north = await add('North 1', 'heat_meter', '10000001', months(100, 'kWh'));
  const big = await add('Power house', 'heat_meter', '10000003', months(2, 'MWh', [], 6));
  await add('South 2', 'heat_meter', '10000002', months(10, 'kWh', [4, 5]));
  await add('Water', 'water_meter', '10000004');
  const group = await api.post('/groups', { name: 'east' });
  await api.post(`/groups/${group.id}/members`, { add: [north, big] });
  return { north, big, group: group.id, add };
}

async function table(tap, page, server) {
  await open(page, server, YEAR);
  await rows(page).first().waitFor();
  tap.equal(await names(page), ['All meters', 'North 1', 'Power house', 'South 2'], 'one row a meter that has the register, all together first');
  const north = await cells(page, 'North 1');
  tap.equal(north.slice(1, 4), ['10000001', '1200', ''], 'a meter has its total');
  tap.equal(north.slice(4), Array(12).fill('100'), 'and each month');
  const big = await cells(page, 'Power house');
  tap.equal(big[2].replace(/[ ,]/g, ''), '≈24000', 'what counts in MWh stands in the unit of most, marked where it was estimated');
  tap.match(big[4 + 5], /^≈ 2000/, 'the month with the estimated reading too');
  tap.ok(/^2000$/.test(big[4]), 'other months are not');
  const south = await cells(page, 'South 2');
  tap.match(south[3], /^3 periods missing/, 'months without readings at their bounds are counted as missing');
  tap.equal([south[4 + 2], south[4 + 3], south[4 + 4], south[4 + 5]], ['–', '–', '–', '10'], 'and shown as such');
  const all = await cells(page, 'All meters');
  tap.equal(all[2].replace(/[≈ ,]/g, ''), '25290', 'all together is the sum of what is known');
  tap.equal(all.slice(3, 7).map((c) => c.replace(/[≈ ,]/g, '')), ['1meterincomplete3valuesmissingEstimated', '2110', '2110', '2100'], 'each month too');
  tap.match(await rows(page).filter({ hasText: 'All meters' }).locator('.grid-cell').nth(6).getAttribute('title'), /^without 1 meter$/, 'a month says how many meters are not in it');
  tap.match(plain(await page.getByRole('region', { name: 'All meters' }).textContent()), /of 3 meters · 1 meter incomplete, 3 values missing · 1 device has no such register/, 'with what it rests on');
}

async function sorting(tap, page) {
  await page.getByRole('columnheader', { name: /^Total/ }).getByRole('button').click();
  await page.waitForURL(/sort=-total/);
  await until(async () => (await names(page))[1] === 'Power house', 'the new order');
  tap.equal(await names(page), ['All meters', 'Power house', 'North 1', 'South 2'], 'sorted by total, the greatest first; the sum stays on top');
  await page.getByRole('columnheader', { name: 'Mar' }).getByRole('button').click();
  await page.getByRole('columnheader', { name: 'Mar' }).getByRole('button').click();
  await until(async () => (await names(page))[1] === 'North 1', 'the new order');
  tap.equal(await names(page), ['All meters', 'North 1', 'Power house', 'South 2'], 'by a month; what is not known comes last');
  await page.getByRole('columnheader', { name: 'Note' }).getByRole('button').click();
  await until(async () => (await names(page))[1] === 'South 2', 'the new order');
  tap.ok(true, 'by what is missing');
}

async function question(tap, page, server, made) {
  await page.getByLabel('Group').selectOption({ label: 'east' });
  await page.waitForURL(new RegExp(`group=${made.group}`));
  await until(async () => (await names(page)).length === 3, 'the group');
  tap.ok(/at=/.test(page.url()) && /sort=-missing/.test(page.url()), 'the address holds the whole question');
  const copy = await page.context().newPage();
  await copy.goto(page.url());
  await until(async () => (await names(copy)).length === 3, 'the same in another window');
  tap.equal(await copy.getByLabel('Group').inputValue(), String(made.group), 'a link shows the same to a colleague');
  await copy.close();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  const text = readFileSync(await file.path(), 'utf8').split('\r\n');
  tap.ok(/^device;name;serial;unit;start/.test(text[0]) && text.filter((l) => /;North 1;/.test(l)).length === 12 && !text.some((l) => /South/.test(l)), 'the file has the same meters and periods', text.slice(0, 3).join('\n'));
  await page.getByLabel('Group').selectOption({ label: 'All groups' });
  await page.getByLabel('Filter by name, serial number, address').fill('south');
  await until(async () => (await names(page)).join() === 'All meters,South 2', 'the search');
  tap.ok(true, 'meters are found by name');
  await page.getByLabel('Kind').selectOption({ label: 'Water meter' });
  await page.getByText('No meter with this register').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await until(async () => (await names(page)).length === 4, 'all meters');
  tap.ok(true, 'an empty answer says so, with a way back');
  await page.getByLabel('Register').selectOption({ label: 'Volume' });
  await page.getByText('4 devices have no such register').waitFor();
  tap.ok(true, 'another register, too');
  await open(page, server, YEAR);
  await page.getByRole('button', { name: 'Days' }).click();
  await page.getByRole('columnheader', { name: '30', exact: true }).waitFor();
  tap.ok(true, 'days of the month that was asked for');
  await page.getByRole('button', { name: 'Forward' }).click();
  await page.getByText('2025-07-01 – 2025-07-31').waitFor();
  await open(page, server, YEAR);
  await rows(page).filter({ hasText: 'North 1' }).getByRole('link').click();
  await page.waitForURL(new RegExp(`/devices/${made.north}\\?tab=consumption&point=\\d+&step=month&at=2025`));
  await page.getByRole('heading', { name: 'North 1' }).waitFor();
  tap.match(await page.locator('.chart-label').textContent(), /^2025$/, 'the name leads to the same year of the meter');
  await open(page, server, `/consumption?devices=${made.big}&at=2025-06-15T00:00:00Z`);
  await until(async () => (await names(page)).join() === 'All meters,Power house', 'the chosen meter');
  await page.locator('.chip').getByRole('button').click();
  await until(async () => (await names(page)).length === 4, 'all meters');
  tap.ok(true, 'meters chosen in the device list can be let go');
}

async function looks({ tap, browser }, page, server) {
  for (const [how, size, colorScheme] of [['desk', [1440, 900], 'light'], ['dark', [1440, 900], 'dark'], ['phone', [390, 844], 'light']]) {
    await page.setViewportSize({ width: size[0], height: size[1] });
    await page.emulateMedia({ colorScheme });
    await open(page, server, YEAR);
    await rows(page).first().waitFor();
    tap.equal(await axeViolations(browser, page), [], `${how}: axe finds nothing`);
    tap.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${how}: nothing is too wide`);
    if (process.env.HYP_SHOTS) await page.screenshot({ path: `${process.env.HYP_SHOTS}/tally-${how}.png` });
  }
  tap.match(plain(await rows(page).filter({ hasText: 'South 2' }).textContent()), /South 2.*kWh.*3 periods missing/, 'on a phone a meter has its total and what is missing');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

/** A meter in GJ: nothing is converted, so each unit has its own sums, digits and bars. */
async function units(tap, page, server, api, add) {
  const id = await add('Old works', 'heat_meter', '10000009', months(0.1, 'GJ'));
  await open(page, server, `${YEAR}&sort=-total`);
  await until(async () => (await names(page)).length === 6, 'the meter in GJ');
  tap.equal(await names(page), ['All meters in kWh', 'All meters in GJ', 'Power house', 'North 1', 'South 2', 'Old works'], 'a sum for each unit; numbers are compared within it');
  const giga = await cells(page, 'All meters in GJ');
  tap.equal(giga.slice(2, 5), ['1.200', 'GJ', ''], 'twelve times 0.1 is 1.2');
  tap.equal((await cells(page, 'All meters in kWh'))[2].replace(/[≈ ,]/g, ''), '25290', 'the others are what they were');
  tap.match(plain(await page.getByRole('region', { name: 'All meters' }).textContent()), /25,290 kWh of 3 meters.*1.200 GJ of 1 meter/, 'both are said above');
  if (process.env.HYP_SHOTS) await page.screenshot({ path: `${process.env.HYP_SHOTS}/tally-units.png` });
  await page.getByRole('columnheader', { name: 'Unit' }).getByRole('button').click();
  await until(async () => (await names(page))[2] === 'Old works', 'the order by unit');
  tap.ok(true, 'sorted by unit');
  await api.call('DELETE', `/devices/${id}`);
}

async function unloaded(tap, page, server) {
  await page.route('**/api/v1/periods/sums?*', (r) => r.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"status":500,"detail":"The disk said no."}' }));
  await open(page, server, YEAR);
  tap.match(await page.getByRole('alert').textContent(), /could not be loaded.*The disk said no/, 'a table that cannot be loaded says why');
  await page.unroute('**/api/v1/periods/sums?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await rows(page).first().waitFor();
  tap.ok(true, 'and the way out works');
}

const MANY = 10_000;
const monthsOf = (value) => Array.from({ length: 12 }, (_, m) => ({ start: new Date(Date.UTC(2025, m, 1)).toISOString(), end: new Date(Date.UTC(2025, m + 1, 1)).toISOString(), value, quality: 'good', flags: [], absent: 0, meters: MANY }));
/** Ten thousand meters as the server would tell them, page by page: what the page makes of it is asked here. */
async function many(tap, page, server) {
  const asked = [];
  await page.route('**/api/v1/periods?*', (r) => {
    const q = new URL(r.request().url()).searchParams;
    const [offset, limit] = [Number(q.get('offset')), Number(q.get('limit'))];
    asked.push(offset);
    const items = Array.from({ length: Math.min(limit, MANY - offset) }, (_, i) => ({
      device: offset + i + 1, device_name: `Meter ${offset + i + 1}`, serial: String(10_000_000 + offset + i), point: offset + i + 1, unit: 'kWh',
      rows: monthsOf(offset + i), sum: 12 * (offset + i), absent: 0, quality: 'good', flags: [],
    }));
    return r.fulfill({ json: { key: 'energy', step: 'month', from: '', to: '', without: 0, total: MANY, offset, items } });
  });
  await page.route('**/api/v1/periods/sums?*', (r) => r.fulfill({ json: {
    key: 'energy', step: 'month', from: '', to: '', without: 0, total: MANY,
    items: [{ unit: 'kWh', meters: MANY, incomplete: 0, sum: 987_654_321, absent: 0, quality: 'good', flags: [], rows: monthsOf(1) }],
  } }));
  await open(page, server, `${YEAR}&sort=-total`);
  await rows(page).first().waitFor();
  tap.equal(asked.length, 20, 'ten thousand meters come in pages');
  tap.equal((await names(page)).slice(0, 2), ['All meters', 'Meter 10000'], 'sorted as a whole');
  tap.equal((await cells(page, 'All meters'))[2].replace(/,/g, ''), String(987_654_321), 'with the sum that the server gives');
  tap.ok(await page.locator('.grid-row').count() < 80, 'few rows are in the document');
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await rows(page).filter({ hasText: /^Meter 110000000/ }).waitFor();
  tap.ok(true, 'the last one is there too');
  await page.unroute('**/api/v1/periods?*');
  await page.unroute('**/api/v1/periods/sums?*');
}

export async function run(world) {
  const { tap, browser } = world;
  const server = new Server();
  await server.start();
  const admin = await firstAdmin(browser, server);
  const page = await admin.newPage();
  await open(page, server, '/consumption');
  await page.getByText('No meter with this register').waitFor();
  tap.ok(true, 'a plant without meters says so');
  const api = new Api(server, admin.request);
  const made = await fill(api);
  await table(tap, page, server);
  await sorting(tap, page);
  await question(tap, page, server, made);
  await looks(world, page, server);
  await units(tap, page, server, api, made.add);
  await unloaded(tap, page, server);
  await many(tap, page, server);
  await settled(page);
  tap.equal(unexpected(admin, [/status of 500/]), [], 'the consumption of many leaves no console error and no CSP report');
  await admin.close();
  await server.stop();
}
