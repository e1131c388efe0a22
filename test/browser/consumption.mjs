// What a meter counted: bars and table of a month with a day of 25 hours and an exchange, the period
// before beside them, CSV, a phone, and a meter that has said nothing; exchanges and resets, digits and
// settlement as a person enters them; values that were not simply measured.
import { readFileSync } from 'node:fs';
import { Api, axeViolations, open, settled, unexpected, withSession } from './harness.mjs';

const HOUR = 3_600_000;

/** Hourly readings of September and October 2025: 1 kWh an hour, then 2; exchanged on 10 October. Noon of the 15th was estimated. */
function history() {
  const lines = ['time;energy [kWh];volume [m3];quality'];
  const turn = Date.UTC(2025, 8, 30, 22);
  const exchange = Date.UTC(2025, 9, 10, 10, 30);
  const estimated = Date.UTC(2025, 9, 15, 10);
  let energy = 5000;
  for (let at = Date.UTC(2025, 7, 31, 22); at <= Date.UTC(2025, 10, 1, 0); at += HOUR) {
    if (at > exchange && at - HOUR < exchange) energy = 1;
    lines.push(`${new Date(at).toISOString().replace('.000', '')};${energy};${(at - turn) / HOUR + 5000};${at === estimated ? 'estimated' : 'good'}`);
    energy += at < turn ? 1 : 2;
  }
  return `${lines.join('\n')}\n`;
}

async function fill(api) {
  const device = await api.post('/devices', { name: 'counting meter', kind: 'heat_meter', manufacturer: 'KAM', serial: '25102510', line: null, schedule: 'none' });
  const done = await api.call('POST', `/readings/import?device=${device.id}`, history(), true);
  const { items } = await api.get(`/devices/${device.id}/points`);
  const energy = items.find((p) => p.key === 'energy').point;
  return { device, energy, done };
}

const day = (page, of) => page.locator('.tally-table tbody tr').nth(of - 1);
const plain = (text) => text.replace(/[\u202f\u00a0]/g, ' ');

/** An exchange through the form: what is wrong is said at its field, by the page or by the server. */
async function enterExchange(tap, page) {
  await page.getByText('No exchange or reset', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add exchange or reset' }).click();
  const form = page.getByRole('dialog', { name: 'Add exchange or reset' });
  const said = (label) => form.locator('.field', { has: page.getByLabel(label) }).getByRole('alert');
  const save = form.getByRole('button', { name: 'Save' });
  await save.click();
  tap.match(await said('Last reading before').textContent(), /Enter a number/, 'a missing reading is asked for at its field');
  await form.getByLabel('Last reading before').fill('6 177,0');
  await form.getByLabel('First reading after').fill('-1');
  await form.getByLabel('Time').fill('2099-10-10T12:30');
  await save.click();
  tap.match(await said('Time').textContent(), /^Must be after 1970 and not in the future/, 'a time to come is refused by the server, at the field of the time');
  tap.ok(await form.getByLabel('Time').evaluate((e) => e === document.activeElement && e.getAttribute('aria-invalid') === 'true'), 'which takes the focus');
  await form.getByLabel('Time').fill('2025-10-10T12:30');
  await save.click();
  tap.match(await said('First reading after').textContent(), /no negative number/, 'so is a counter below zero');
  await form.getByLabel('First reading after').fill('0');
  await form.getByLabel('Note').fill('browser test');
  await save.click();
  await form.waitFor({ state: 'detached' });
  const row = page.getByRole('row', { name: /browser test/ });
  tap.match(plain(await row.textContent()), /Exchange6177(\.0)?0Anna Berg.*browser test/, 'the exchange is listed with its readings and who entered it');
  await settled(page);
  tap.match(await day(page, 10).textContent(), /48.*meter exchanged or reset/, 'an exchange that is told is counted');
  await page.getByRole('button', { name: 'Add exchange or reset' }).click();
  await form.getByLabel('Time').fill('2025-10-10T12:30');
  for (const label of ['Last reading before', 'First reading after']) await form.getByLabel(label).fill('1');
  await save.click();
  tap.match(await said('Time').textContent(), /is known; remove that one first/, 'a second one at the same time is refused');
  await form.getByRole('button', { name: 'Cancel' }).click();
}

async function enterRules(tap, page) {
  await page.getByRole('button', { name: 'Digits and settlement' }).click();
  const form = page.getByRole('dialog', { name: 'Digits and settlement' });
  const save = form.getByRole('button', { name: 'Save' });
  await form.getByLabel('Digits of the display').fill('7');
  await form.getByLabel('Settlement day').fill('29');
  await save.click();
  tap.match(await form.getByRole('alert').textContent(), /^Must be 1\.\.28/, 'a settlement day that not every month has is refused at its field');
  await form.getByLabel('Settlement day').fill('16');
  await form.getByLabel('Settlement hour').fill('ten');
  await save.click();
  tap.match(await form.getByRole('alert').textContent(), /whole number/, 'an hour in words too');
  await form.getByLabel('Settlement hour').fill('10');
  await save.click();
  await form.waitFor({ state: 'detached' });
  await page.getByText('day 16, 10:00').waitFor();
  tap.match(await page.locator('.counting dl').textContent(), /display7.*day 16, 10:00/, 'digits and settlement are shown');
  // The year before is asked for beside it, and may be answered first.
  const [asked] = await Promise.all([page.waitForResponse((r) => r.url().includes('/periods') && r.url().includes('step=month') && r.url().includes('from=2024-12-31T')), page.getByRole('button', { name: 'Months' }).click()]);
  tap.ok((await asked.json()).items.some((p) => p.start === '2025-09-16T08:00:00Z'), 'months begin on the 16th at ten');
  await page.getByRole('button', { name: 'Digits and settlement' }).click();
  for (const [label, text] of [['Digits of the display', ''], ['Settlement day', '1'], ['Settlement hour', '0']]) await form.getByLabel(label).fill(text);
  await save.click();
  await form.waitFor({ state: 'detached' });
  await page.getByText('day 1, 00:00').waitFor();
  tap.match(await page.locator('.counting dl').textContent(), /displaynot known/, 'an empty field makes the digits unknown again');
  await page.getByRole('button', { name: 'Days' }).click();
  await settled(page);
}

async function removeExchange(tap, page) {
  await page.getByRole('button', { name: /^Remove: Exchange/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No exchange or reset', { exact: true }).waitFor();
  await settled(page);
  tap.match(await day(page, 10).textContent(), /went back, not known why/, 'an exchange that is taken back counts no longer');
}

async function marks(tap, page) {
  tap.match(await day(page, 15).textContent(), /Estimated\s*48/, 'a day with an estimated value is marked beside its number');
  tap.equal(await page.locator('.tally-table .qmark').count(), 1, 'and only that one');
  tap.equal(await page.locator('.sum .qmark').count(), 1, 'so is the sum of the month');
  tap.equal(await page.locator('.tallies .tally-marked').count(), 1, 'its bar is drawn in another way');
  tap.match(await page.locator('.tally-legend').textContent(), /This period.*Period before.*not simply measured.*estimated/, 'a legend says what bars and marks mean');
}

/** Exchanges that cannot be loaded: said with a way out, while the consumption stands. */
async function unloaded(tap, page, server, there) {
  await page.route('**/counting', (r) => r.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"status":500,"detail":"The disk said no."}' }));
  await open(page, server, there);
  await page.getByText('The exchanges and resets could not be loaded.').waitFor();
  tap.equal(await page.locator('.tallies .tally').count(), 31, 'the consumption stands when the exchanges cannot be loaded');
  await page.unroute('**/counting');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('No exchange or reset', { exact: true }).waitFor();
  tap.ok(true, 'and they come with another try');
}

export async function run({ tap, server, admin, browser }) {
  const page = await admin.newPage();
  const api = new Api(server, admin.request);
  const { device, energy, done } = await fill(api);
  tap.equal(done.refused, 0, `two months of readings come in as a CSV file (${done.values} values)`);

  const there = `/devices/${device.id}?tab=consumption&step=day&at=2025-10-15T00:00:00Z&point=${energy}`;
  await open(page, server, there);
  tap.equal(await page.locator('.tallies .tally').count(), 31, 'October has 31 bars');
  const heights = await page.locator('.tally-new').evaluateAll((all) => all.map((x) => x.getBoundingClientRect().height));
  tap.ok(Math.max(...heights) > 100, `the highest of them is as high as the picture (${Math.max(...heights)} px)`);
  tap.match(await day(page, 10).textContent(), /went back, not known why/, 'a register that went back says so instead of a number');
  await enterExchange(tap, page);
  await marks(tap, page);
  tap.match(await day(page, 26).textContent(), /50.*24.*day of 25 hours/, 'the day of the clock change has 25 hours and is marked');
  tap.equal(await page.locator('.tallies .tally-odd').count(), 1, 'in the bars too');
  tap.match(plain(await page.locator('.sum').textContent()), /1490 kWh.*\+\d+ % against the period before/, 'the month has its sum, compared with the one before');

  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  tap.match(readFileSync(await file.path(), 'utf8'), /2025-10-25T22:00:00.000Z;2025-10-26T23:00:00.000Z;50;/, 'the table downloads as CSV');
  await page.getByRole('button', { name: 'Months' }).click();
  await settled(page);
  tap.match(await page.locator('.tally-table tbody tr').nth(8).textContent(), /720/, 'the months of the year have September');
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByText('No readings in this period').waitFor();
  tap.ok(true, 'a year without readings says so');
  await open(page, server, there);
  await enterRules(tap, page);

  for (const [name, options] of [['a phone', { viewport: { width: 390, height: 844 } }], ['a dark screen', { colorScheme: 'dark' }]]) {
    const other = await withSession({ browser, admin }, options);
    const small = await other.newPage();
    await open(small, server, there);
    await small.locator('.tallies .tally').first().waitFor();
    tap.ok(await small.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: nothing hangs over the side`);
    tap.equal(await axeViolations(browser, small), [], `${name}: axe finds nothing`);
    tap.ok(await small.locator('.card > .table-box').first().evaluate((e) => e.scrollWidth <= e.clientWidth), `${name}: the table of the consumption fits without scrolling`);
    tap.ok(await small.getByText('meter exchanged or reset').filter({ visible: true }).count() === 1, `${name}: with its notes`);
    tap.ok(await small.locator('.counting .table-box').evaluate((e) => e.scrollWidth <= e.clientWidth), `${name}: so do the exchanges`);
    tap.ok(await small.getByText('browser test').filter({ visible: true }).count() === 1 && await small.getByText(/Anna Berg/).filter({ visible: true }).count() > 0, `${name}: with their author and note`);
    const shot = async (what) => { if (process.env.HYP_SHOTS) await small.screenshot({ path: `${process.env.HYP_SHOTS}/${what}-${options.colorScheme ?? 'phone'}.png`, fullPage: true }); };
    await shot('consumption');
    for (const form of ['Add exchange or reset', 'Digits and settlement']) {
      await small.getByRole('button', { name: form }).click();
      await small.getByRole('dialog', { name: form }).getByRole('button', { name: 'Save' }).waitFor();
      tap.equal(await axeViolations(browser, small), [], `${name}: axe finds nothing in "${form}"`);
      tap.ok(await small.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: "${form}" is not too wide`);
      await shot(form.replace(/ /g, '-'));
      await small.keyboard.press('Escape');
    }
    await other.close();
  }
  await removeExchange(tap, page);
  await unloaded(tap, page, server, there);
  await page.close();
  tap.equal(unexpected(admin, [/status of (409|422|500)/]), [], 'looking at consumption leaves no console error and no CSP report');
}
