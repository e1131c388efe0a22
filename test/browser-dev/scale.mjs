// 10,000 devices in the list: few rows in the document, data in windows, every row right.
import { open, settled, until, unexpected } from './harness.mjs';

const TOTAL = 10_000;

async function addDevices({ tap, api }) {
  const have = (await api.get('/devices?limit=1')).total;
  const devices = Array.from({ length: TOTAL - have }, (_, i) => ({
    name: `Prøvegade ${String(i + 1).padStart(5, '0')}`, line: 'mbus-north', kind: 'water_meter', manufacturer: 'XXX', id: String(10_000_000 + i), primary_address: null, secondary: true, site: `Prøvegade ${i + 1}`, city: 'Thermopolis', schedule: 'none', enabled: false,
  }));
  for (let i = 0; i < devices.length; i += 2500) await api.post('/devices/import', { lines: [], devices: devices.slice(i, i + 2500), groups: [] });
  tap.equal((await api.get('/devices?limit=1')).total, TOTAL, 'ten thousand devices are there');
}

export async function run(world) {
  const { tap, server, api, admin } = world;
  await addDevices(world);
  const page = await admin.newPage();
  let windows = 0;
  page.on('request', (r) => { if (/\/api\/v1\/devices\?/.test(r.url()) && /offset=/.test(r.url())) windows++; });
  await open(page, server, '/devices?sort=name');
  await page.getByText('10,000 devices', { exact: true }).waitFor();
  const grid = page.getByRole('grid');
  tap.equal(await grid.getAttribute('aria-rowcount'), String(TOTAL + 1), 'the table tells its length to assistive technology');
  const pool = await page.locator('.grid-row').count();
  tap.ok(pool < 60, `only the rows on screen exist (${pool})`);

  // What one frame of scrolling costs, as a figure for the log; budgets on time are not for shared machines.
  const cost = await page.evaluate(async () => {
    const el = document.querySelector('.grid');
    const frames = [];
    for (let i = 0; i < 60; i++) {
      el.scrollTop += 96;
      await new Promise((done) => requestAnimationFrame(() => { const t0 = performance.now(); requestAnimationFrame(() => { frames.push(performance.now() - t0); done(); }); }));
    }
    frames.sort((a, b) => a - b);
    return { median: frames[30], p95: frames[57] };
  });
  tap.note(`scrolling three rows per frame: median ${cost.median.toFixed(1)} ms, p95 ${cost.p95.toFixed(1)} ms per frame`);

  await grid.focus();
  await page.keyboard.press('End');
  const last = (await api.get(`/devices?sort=name&offset=${TOTAL - 1}&limit=1`)).items[0].name;
  await until(async () => (await page.locator('.grid-row.is-cursor').textContent())?.includes(last), 'the last row');
  tap.ok(true, 'End shows the last of ten thousand rows');
  const jumps = [5000, 1234, 8765];
  for (const index of jumps) {
    await page.evaluate((i) => { document.querySelector('.grid').scrollTop = i * document.querySelector('.grid-row').getBoundingClientRect().height; }, index);
    const wanted = (await api.get(`/devices?sort=name&offset=${index}&limit=1`)).items[0].name;
    await until(async () => (await page.locator(`.grid-row[aria-rowindex="${index + 2}"]`).textContent())?.includes(wanted), `row ${index}`);
    tap.ok(true, `row ${index} is the right one after a jump`);
  }
  tap.ok(await page.locator('.grid-row').count() < 60, 'rows are recycled, not added');
  tap.ok(windows <= 14, `data came in few windows (${windows})`);
  await page.getByPlaceholder('Filter by name, serial number, address').fill('Prøvegade 09');
  await page.waitForURL(/search=/);
  await settled(page);
  await page.getByText(/^\d+ matches$|^[\d,]+ matches$/).waitFor();
  tap.ok(true, 'the filter answers over all of them');
  tap.equal(unexpected(admin), [], 'ten thousand rows leave no console error');
  await page.close();
}
