// What a meter counted: bars and table of a month with a day of 25 hours and an exchange, the period
// before beside them, CSV, a phone, and a meter that has said nothing.
import { readFileSync } from 'node:fs';
import { Api, axeViolations, open, settled, unexpected, withSession } from './harness.mjs';

const HOUR = 3_600_000;

/** Hourly readings of September and October 2025: 1 kWh an hour, then 2; exchanged on 10 October. */
function history() {
  const lines = ['time;energy [kWh];volume [m3]'];
  const turn = Date.UTC(2025, 8, 30, 22);
  const exchange = Date.UTC(2025, 9, 10, 10, 30);
  let energy = 5000;
  for (let at = Date.UTC(2025, 7, 31, 22); at <= Date.UTC(2025, 10, 1, 0); at += HOUR) {
    if (at > exchange && at - HOUR < exchange) energy = 1;
    lines.push(`${new Date(at).toISOString().replace('.000', '')};${energy};${(at - turn) / HOUR + 5000}`);
    energy += at < turn ? 1 : 2;
  }
  return { csv: `${lines.join('\n')}\n`, exchange: new Date(exchange).toISOString().replace('.000', '') };
}

async function fill(api) {
  const device = await api.post('/devices', { name: 'counting meter', kind: 'heat_meter', manufacturer: 'KAM', serial: '25102510', line: null, schedule: 'none' });
  const past = history();
  const done = await api.call('POST', `/readings/import?device=${device.id}`, past.csv, true);
  const { items } = await api.get(`/devices/${device.id}/points`);
  const energy = items.find((p) => p.key === 'energy').point;
  return { device, energy, past, done };
}

export async function run({ tap, server, admin, browser }) {
  const page = await admin.newPage();
  const api = new Api(server, admin.request);
  const { device, energy, past, done } = await fill(api);
  tap.equal(done.refused, 0, `two months of readings come in as a CSV file (${done.values} values)`);

  const there = `/devices/${device.id}?tab=consumption&step=day&at=2025-10-15T00:00:00Z&point=${energy}`;
  await open(page, server, there);
  tap.equal(await page.locator('.tallies .tally').count(), 31, 'October has 31 bars');
  const heights = await page.locator('.tally-new').evaluateAll((all) => all.map((x) => x.getBoundingClientRect().height));
  tap.ok(Math.max(...heights) > 100, `the highest of them is as high as the picture (${Math.max(...heights)} px)`);
  tap.match(await page.locator('.table tbody tr').nth(9).textContent(), /went back, not known why/, 'a register that went back says so instead of a number');
  await api.post(`/points/${energy}/counting/events`, { time: past.exchange, kind: 'exchange', closing: '6177', opening: '0', note: 'browser test' });
  await page.reload();
  await settled(page);
  tap.match(await page.locator('.table tbody tr').nth(9).textContent(), /48.*meter exchanged or reset/, 'an exchange that is told is counted');
  tap.match(await page.locator('.table tbody tr').nth(25).textContent(), /50.*24.*day of 25 hours/, 'the day of the clock change has 25 hours and is marked');
  tap.equal(await page.locator('.tallies .tally-odd').count(), 1, 'in the bars too');
  tap.match((await page.locator('.sum').textContent()).replace(/[\u202f\u00a0]/g, ' '), /1490 kWh.*\+\d+ % against the period before/, 'the month has its sum, compared with the one before');

  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  tap.match(readFileSync(await file.path(), 'utf8'), /2025-10-25T22:00:00.000Z;2025-10-26T23:00:00.000Z;50;/, 'the table downloads as CSV');
  await page.getByRole('button', { name: 'Months' }).click();
  await settled(page);
  tap.match(await page.locator('.table tbody tr').nth(8).textContent(), /720/, 'the months of the year have September');
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByText('No readings in this period').waitFor();
  tap.ok(true, 'a year without readings says so');
  await page.close();

  for (const [name, options] of [['a phone', { viewport: { width: 390, height: 844 } }], ['a dark screen', { colorScheme: 'dark' }]]) {
    const other = await withSession({ browser, admin }, options);
    const small = await other.newPage();
    await open(small, server, there);
    await small.locator('.tallies .tally').first().waitFor();
    tap.ok(await small.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: nothing hangs over the side`);
    tap.equal(await axeViolations(browser, small), [], `${name}: axe finds nothing`);
    if (process.env.HYP_SHOTS) await small.screenshot({ path: `${process.env.HYP_SHOTS}/consumption-${options.colorScheme ?? 'phone'}.png`, fullPage: true });
    await other.close();
  }
  tap.equal(unexpected(admin), [], 'looking at consumption leaves no console error and no CSP report');
}
