// Two years of hours in a chart: extremes are kept, an outage is a gap, zooming asks the server again; corrected,
// estimated and typed values are marked in the picture, the legend and the table.
import { Api, open, settled, unexpected, until, withSession } from './harness.mjs';

const HOUR = 3_600_000;
const FIRST = Date.UTC(2024, 0, 1);
const HOURS = 2 * 365 * 24;
const SPIKE = FIRST + 5000 * HOUR;
const OUTAGE = [FIRST + 9000 * HOUR, FIRST + 10_500 * HOUR];
const iso = (ms) => new Date(ms).toISOString().replace('.000', '');
const plain = (text) => text.replace(/[\u202f\u00a0]/g, ' ');

async function fill(api) {
  const device = await api.post('/devices', { name: 'charted meter', kind: 'heat_meter', manufacturer: 'KAM', serial: '24010116', line: null, schedule: 'none' });
  const lines = ['time;energy [kWh];flow_temperature [degC];quality'];
  for (let i = 0; i < HOURS; i++) {
    const at = FIRST + i * HOUR;
    if (at < OUTAGE[0] || at >= OUTAGE[1]) lines.push(`${iso(at)};${1000 + i};${at === SPIKE ? 140 : 60 + i % 24};${i === HOURS - 5 ? 'estimated' : 'good'}`);
  }
  for (let i = 1; i < lines.length; i += 4000) await api.call('POST', `/readings/import?device=${device.id}`, [lines[0], ...lines.slice(i, i + 4000)].join('\n') + '\n', true);
  const { items } = await api.get(`/devices/${device.id}/points`);
  return { device, energy: items.find((p) => p.key === 'energy').point, supply: items.find((p) => p.key === 'flow_temperature').point };
}

/** What the page draws is what the server says: both are asked. */
async function years(tap, page, api, server, { device, supply }) {
  const asked = [];
  page.on('request', (r) => { const u = new URL(r.url()); if (u.pathname.endsWith('/series')) asked.push(u.searchParams); });
  const answers = [];
  page.on('response', async (r) => { if (r.url().includes('/series?')) answers.push(await r.json().catch(() => null)); });
  await open(page, server, `/devices/${device.id}?tab=chart&points=${supply}&from=${iso(FIRST)}&to=${iso(FIRST + HOURS * HOUR)}`);
  await until(() => answers.length > 0, 'the series');
  const s = answers[0].series[0];
  tap.equal(s.mode, 'buckets', 'two years of hours come as buckets');
  tap.equal([Math.min(...s.min.filter((v) => v !== null)), Math.max(...s.max.filter((v) => v !== null))], [60, 140], 'whose extremes are those of the readings');
  const silent = s.times.filter((_, i) => s.mean[i] === null);
  const width = s.times[1] - s.times[0];
  tap.ok(silent.length > 0 && silent.every((time) => time + width > OUTAGE[0] - HOUR && time < OUTAGE[1]), 'an outage is a gap, and nothing else is');
  tap.equal(s.gaps, [{ from: OUTAGE[0] - HOUR, to: OUTAGE[1] }], 'from the last reading before it to the first behind it');
  tap.equal(s.events, [], 'a temperature has no exchanges');
  const legend = page.locator('.chart-legend tbody tr');
  tap.match(plain(await legend.first().textContent()), /60(\.0)?.*140/, 'the legend says the extremes');
  tap.ok(s.last.filter((v) => v !== null).at(-1) === 60 + (HOURS - 1) % 24, 'the last value is the last reading');
  const before = asked.length;
  for (let i = 0; i < 9; i++) { await page.keyboard.press('+'); await settled(page); }
  await until(() => asked.length > before, 'another question');
  const near = asked.at(-1);
  tap.ok(Number(near.get('to')) - Number(near.get('from')) < 30 * 24 * HOUR, 'zooming in asks the server again, for the shorter span', near.toString());
  await until(() => answers.at(-1)?.series[0].mode === 'raw', 'single readings');
  tap.ok(true, 'until the readings themselves are there');
}

const END = FIRST + HOURS * HOUR;
async function marks(tap, page, api, server, { device, energy }) {
  await api.post(`/devices/${device.id}/values`, { key: 'energy', value: String(1000 + HOURS - 9 + 0.5), time: iso(END - 9 * HOUR), quality: 'corrected', reason: 'display' });
  const path = `/devices/${device.id}?tab=chart&points=${energy}&from=${iso(END - 24 * HOUR)}&to=${iso(END)}`;
  const picture = () => page.evaluate(() => document.querySelector('.chart canvas')?.toDataURL());
  await open(page, server, path);
  await page.locator('.chart-legend .qmark').nth(1).waitFor();
  await page.locator('.chart canvas').waitFor();
  tap.match(plain(await page.locator('.chart-legend tbody tr').first().textContent()), /≈Estimated\*Corrected/, 'the legend says that values were estimated and corrected');
  const marked = await picture();
  if (process.env.HYP_SHOTS) await page.screenshot({ path: `${process.env.HYP_SHOTS}/chart-marks.png` });
  await page.route('**/api/v1/series?*', async (r) => {
    const res = await r.fetch();
    const body = await res.json();
    await r.fulfill({ response: res, json: { ...body, series: body.series.map(({ marks: _, ...s }) => s) } });
  });
  await open(page, server, path);
  await until(async () => (await page.locator('.chart-legend tbody tr').count()) === 1 && (await page.locator('.chart-legend .qmark').count()) === 0, 'the chart without marks');
  await until(async () => (await picture()) !== marked, 'another picture');
  tap.ok(true, 'the picture has rings where they are');
  await page.unroute('**/api/v1/series?*');
  await open(page, server, `${path}&view=table`);
  const rows = page.locator('.chart-table tbody tr').filter({ has: page.locator('.qmark') });
  await rows.nth(1).waitFor();
  tap.equal((await rows.allTextContents()).map((x) => plain(x).replace(/^.{16}/, '').replace(/,/g, '')), [`≈Estimated${1000 + HOURS - 5}Estimated`, `*Corrected${1000 + HOURS - 9 + 0.5}Corrected`], 'and the table has their marks');
}

/** Two years of a counter: what single values would show is marked on the buckets that hold them. */
async function hidden(tap, page, api, server, { device, energy }) {
  await api.post(`/points/${energy}/counting/events`, { time: iso(FIRST + 15_000 * HOUR), kind: 'exchange', closing: '16000', opening: '16000' });
  const path = `/devices/${device.id}?tab=chart&points=${energy}&from=${iso(FIRST)}&to=${iso(END)}`;
  const answer = page.waitForResponse((r) => r.url().includes('/series?'));
  await open(page, server, path);
  const s = (await (await answer).json()).series[0];
  tap.equal([s.mode, s.marks.map((m) => [m.quality, m.count]), s.gaps.length, s.events], ['buckets', [['estimated', 1], ['corrected', 1]], 1, [{ time: FIRST + 15_000 * HOUR, kind: 'exchange' }]], 'the server says what the buckets hide');
  await page.locator('.chart canvas').waitFor();
  await page.locator('.chart-legend .qmark').nth(1).waitFor();
  tap.match(plain(await page.locator('.chart-legend tbody tr').first().textContent()), /≈Estimated\*Corrected/, 'the legend names the kinds');
  const box = await page.locator('.chart-over').boundingBox();
  const at = async (time) => { await page.mouse.move(box.x + (time - FIRST) / (END - FIRST) * box.width, box.y + box.height / 2); };
  const says = async (time, text, what) => {
    await at(time);
    await page.locator('.chart-hidden').filter({ hasText: text }).waitFor();
    tap.ok(true, what);
  };
  await says(s.times[s.marks[0].index], /Estimated: 1/, 'the pointer on a bucket says how many values were estimated');
  await says(OUTAGE[0] + 700 * HOUR, /no value for 2 mo/, 'in an outage, for how long there is no value');
  await says(FIRST + 15_000 * HOUR, /meter exchanged/, 'at an exchange, that the meter was exchanged');
  if (process.env.HYP_SHOTS) {
    for (const [how, width, colorScheme] of [['desk', 1440, 'light'], ['dark', 1440, 'dark'], ['phone', 390, 'light']]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await settled(page);
      await page.screenshot({ path: `${process.env.HYP_SHOTS}/chart-hidden-${how}.png` });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  }
  await open(page, server, `${path}&view=table`);
  const notes = page.locator('.chart-table tbody tr').filter({ hasText: /Estimated: 1|meter exchanged/ });
  await notes.nth(1).waitFor();
  tap.equal(await notes.count(), 2, 'the table has the same in words');
}

export async function run(world) {
  const { tap, server } = world;
  const api = new Api(server, world.admin.request);
  const made = await fill(api);
  const context = await withSession(world);
  const page = await context.newPage();
  await years(tap, page, api, server, made);
  await marks(tap, page, api, server, made);
  await hidden(tap, page, api, server, made);
  await page.close();
  tap.equal(unexpected(context), [], 'charts leave no console error and no CSP report');
  await context.close();
  await api.call('DELETE', `/devices/${made.device.id}`);
}
