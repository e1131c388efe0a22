// Read now, values, chart, readings, CSV, communication, jobs; the rest of the town by manifest.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chord, open, root, settled, unexpected, until } from './harness.mjs';

/** The rest of the town and three days of its past, through the same doors as an operator's. */
async function fillTown({ tap, api, town }) {
  const sim = process.env.HYPOCAUST_SIM ?? join(root, 'build/hypocaust-sim');
  // Without the broker's line, and without what was added by hand.
  const known = (await api.get('/devices?limit=1000')).items.map((d) => `${d.line_name} ${d.serial || d.unit_id}`);
  const isNew = (d) => d.line !== 'radio-mqtt' && !known.includes(`${d.line} ${d.id}`) && !known.includes(`${d.line} ${d.unit_id}`);
  const imported = await api.post('/devices/import', { ...town.manifest, lines: town.manifest.lines.filter((l) => l.kind !== 'wmbus-mqtt'), devices: town.manifest.devices.filter(isNew) });
  tap.ok(imported.devices > 100, `the manifest brings the town (${imported.devices} devices)`);
  const history = execFileSync(sim, ['history', '--town', town.file, '--days', '3'], { maxBuffer: 512 * 1024 * 1024, encoding: 'utf8' });
  const lines = history.split('\n').filter((l) => l && !l.includes(' radio-mqtt '));
  let readings = 0;
  for (let i = 0; i < lines.length; i += 4000) readings += (await api.call('POST', '/intake', lines.slice(i, i + 4000).join('\n') + '\n', true)).readings;
  tap.ok(readings > 1000, `its past comes in by telegrams (${readings} readings)`);
}

async function readNow({ tap, server, api, serials }, page) {
  const [device] = (await api.get(`/devices?search=${serials[0]}`)).items;
  await open(page, server, `/devices/${device.id}`);
  await page.getByRole('button', { name: 'Read now' }).click();
  await page.locator('.job-state', { hasText: 'Done' }).waitFor();
  tap.ok(true, 'read now shows its job to the end');
  const row = page.getByRole('row', { name: /^Energy/ }).first();
  await row.waitFor();
  tap.match((await row.locator('td').nth(1).textContent()).replace(/[\u202f\u00a0]/g, ' '), /^[\d,. ]+(k|M|G)?(Wh|J)$/, 'the energy register has its digits and its unit');
  tap.match(await row.locator('td').nth(2).textContent(), /^\d+ (s|min)$/, 'a value shows its age');
  await page.locator('.page-head .status', { hasText: 'OK' }).waitFor();
  tap.ok(true, 'the device is OK without a reload');
  return device;
}

async function sendsByItself({ tap, server, api }, page) {
  const { items } = await api.get('/devices?limit=1000');
  const radio = items.find((d) => !d.polled);
  await open(page, server, `/devices/${radio.id}`);
  tap.match(await page.locator('.device-meta').textContent(), /sends by itself/, 'a radio meter says that it sends by itself');
  tap.equal(await page.getByRole('button', { name: 'Read now' }).count(), 0, 'and does not offer to be asked');
  const wired = items.find((d) => d.polled);
  await open(page, server, '/devices');
  const search = page.getByRole('searchbox', { name: /Filter/ });
  for (const d of [radio, wired]) {
    await search.fill(d.serial);
    await page.waitForURL(new RegExp(`search=${d.serial}`));
    await settled(page);
    await page.getByRole('grid').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('x');
    if (d === radio) tap.equal(await page.getByRole('button', { name: 'Read now' }).count(), 0, 'nor does a selection of such');
  }
  await page.getByText('2 devices selected').first().waitFor();
  await page.getByRole('button', { name: 'Read now' }).click();
  await page.locator('.toast', { hasText: 'Reading of 1 device started. 1 sends by itself.' }).waitFor();
  tap.ok(true, 'of a mixed selection those are read that can be asked');
}

async function canvasInk(page) {
  return page.evaluate(() => {
    const c = document.querySelector('.chart canvas');
    if (!c) return 0;
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
    let ink = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60) ink++;
    return ink;
  });
}

async function chart({ tap, server, api }, page) {
  const device = (await api.get('/devices?kind=heat_meter&sort=name&limit=1000')).items.find((d) => d.headline);
  await open(page, server, `/devices/${device.id}?tab=chart`);
  await page.locator('.chart canvas').waitFor();
  await until(async () => await canvasInk(page) > 300, 'coloured lines in the chart');
  tap.ok(true, 'the chart draws coloured lines');
  const series = await page.locator('.chart-legend tbody tr').count();
  tap.ok(series >= 2, `it starts with the usual values (${series})`);
  tap.match(page.url(), /points=\d+/, 'the chosen values are in the address bar');
  tap.match((await page.locator('.chart-legend tbody tr').first().locator('td').nth(2).textContent()), /\d/, 'the legend has minimum, mean and maximum');

  await page.getByRole('button', { name: 'Add series' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add series' });
  const volume = dialog.getByRole('checkbox', { name: /^Volume/ }).first();
  await volume.check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.locator('.chart-legend tbody tr', { hasText: 'Volume' }).waitFor();
  tap.ok(true, 'another value joins the chart');

  await page.getByRole('button', { name: 'Day', exact: true }).click();
  await page.waitForURL(/range=day/);
  await chord(page, 't', 'ArrowLeft', /at=/);
  tap.ok(true, 't and arrow move one period back');
  await settled(page);
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('.chart-legend tbody tr', { hasText: 'period before' }).first().waitFor();
  tap.match(page.url(), /compare=1/, 'the period before is compared');
  await page.goBack();
  await page.waitForURL((url) => !url.search.includes('compare=1'));
  await settled(page);
  // The chart is drawn anew after the way back; it has a place only once that is done.
  await page.waitForFunction(() => document.querySelector('.chart-over')?.getBoundingClientRect().width > 0);
  const over = await page.locator('.chart-over').boundingBox();
  await page.mouse.move(over.x + over.width * 0.3, over.y + 60);
  await page.mouse.down();
  await page.mouse.move(over.x + over.width * 0.6, over.y + 80, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=.*to=/);
  tap.ok(true, 'dragging zooms into a free period');
  await page.getByRole('button', { name: 'Values as a table' }).click();
  await page.locator('.chart-table tbody tr').first().waitFor();
  tap.ok(await page.locator('.chart-table tbody tr').count() > 0, 'the table twin has the same values');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download as CSV' }).click()]);
  const text = readFileSync(await file.path(), 'utf8');
  tap.match(text, /^\ufeff?Time;.+\r\n\d{4}-\d\d-\d\dT/, 'the chart downloads as CSV');
  return device;
}

async function readings({ tap, server }, page, device) {
  await open(page, server, `/devices/${device.id}?tab=readings`);
  const rows = page.locator('.readings-grid .grid-row:not([hidden])');
  await rows.first().waitFor();
  const cells = await rows.first().locator('.grid-cell').allTextContents();
  tap.match(cells[0], /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'readings carry the measured time to the second');
  tap.ok(cells.some((c) => /^(Automatic|Pushed|File|Read now)$/.test(c)), 'readings carry their source', cells.join(' | '));
  tap.match(await page.locator('.toolbar [role=status]').textContent(), /\d+ readings/, 'the number of readings is told');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  const text = readFileSync(await file.path(), 'utf8').split(/\r?\n/);
  tap.match(text[0], /time;receive_time;source;/, 'the CSV names its columns');
  tap.ok(text.length > 10 && /^\d{4}-/.test(text[1]), 'the CSV has one row per reading', text.slice(0, 3).join('\n'));
}

async function communication({ tap, server }, page, device) {
  await open(page, server, `/devices/${device.id}?tab=communication`);
  await page.getByText('Last success').waitFor();
  const facts = await page.locator('.facts').first().textContent();
  tap.match(facts, /Last attempt\d{4}-.*Last success\d{4}-/, 'last attempt and success have their times');
  tap.match(facts, /Success\d+ of \d+/, 'successes are counted');
  await open(page, server, '/jobs');
  await page.locator('tbody tr').first().waitFor();
  const job = page.getByRole('row', { name: /Reading/ }).filter({ hasText: device.name });
  await job.first().waitFor();
  tap.match(await job.first().textContent(), /Done/, 'the jobs page names what was read');
}

async function listAndBulk({ tap, server }, page) {
  await open(page, server, '/devices');
  const rows = page.locator('.grid-row:not([hidden])');
  await rows.first().waitFor();
  await page.getByPlaceholder('Filter by name, serial number, address').fill('caldarium');
  await page.waitForURL(/search=caldarium/);
  await settled(page);
  const names = await until(async () => { const n = await rows.locator('.grid-cell:nth-child(3)').allTextContents(); return n.length > 0 && n.every((x) => /caldarium/i.test(x)) ? n : null; }, 'filtered rows');
  tap.ok(names.length > 0, 'the filter reduces the list while one types');
  await page.locator('.toolbar').getByRole('button', { name: 'Kind' }).click();
  await page.locator('.menu .menu-item', { hasText: 'Water meter' }).click();
  await page.waitForURL(/kind=water_meter/);
  await page.getByRole('button', { name: 'Remove filter Water meter' }).waitFor();
  tap.ok(true, 'a facet becomes a removable chip');
  await page.goBack();
  await page.waitForURL((u) => !u.search.includes('kind='));
  tap.ok(true, 'back takes the filter away');
  await page.getByRole('columnheader', { name: 'Serial no.' }).getByRole('button').click();
  await page.waitForURL(/sort=serial/);
  await settled(page);
  const serials = await until(async () => { const s = await rows.evaluateAll((els) => els.map((el) => [Number(el.getAttribute('aria-rowindex')), el.children[4]?.textContent]).sort((a, b) => a[0] - b[0]).map((x) => x[1])); return s.length > 3 && JSON.stringify(s) === JSON.stringify([...s].sort()) ? s : null; }, 'rows in order of their serial numbers');
  tap.ok(serials.length > 0, 'a click on a heading sorts');

  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('x');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('x');
  await page.getByText('2 devices selected').first().waitFor();
  await page.keyboard.press('Space');
  await page.locator('.peek').waitFor();
  tap.match(page.url(), /peek=\d+/, 'space peeks at the row and the address bar knows');
  await page.keyboard.press('Escape');
  await page.locator('.peek').waitFor({ state: 'detached' });
  await page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Read now' }).click();
  await page.locator('.toast', { hasText: 'Reading of 2 devices started' }).waitFor();
  tap.ok(true, 'a selection is read in one go');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  tap.match(readFileSync(await file.path(), 'utf8'), /State;Name;Kind;Serial no\./, 'the list downloads as CSV with the shown columns');
  await page.getByRole('button', { name: 'Columns and sorting' }).click();
  await page.getByRole('checkbox', { name: 'Schedule' }).check();
  await page.reload();
  await settled(page);
  tap.ok(await page.getByRole('columnheader', { name: 'Schedule' }).isVisible(), 'chosen columns are remembered');
}

export async function run(world) {
  const page = await world.admin.newPage();
  const polled = await readNow(world, page);
  await fillTown(world);
  await sendsByItself(world, page);
  world.device = await chart(world, page);
  await readings(world, page, world.device);
  await communication(world, page, polled);
  await listAndBulk(world, page);
  world.tap.equal(unexpected(world.admin), [], 'reading and looking leaves no console error and no CSP report');
  await page.close();
}
