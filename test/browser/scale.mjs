// 10,000 devices in the list: few rows in the document, data in windows, every row right; scrolling,
// search, filter, sort, columns and keys. Then an hour of live events: nothing may pile up.
import { open, settled, until, unexpected } from './harness.mjs';

const TOTAL = 10_000;
const FILTER = 'Filter by name, serial number, address';

async function addDevices({ tap, api }) {
  const have = (await api.get('/devices?limit=1')).total;
  // By radio: a wired line carries 250 meters at most.
  const line = (await api.get('/lines')).items.find((l) => l.kind === 'wmbus-tcp').name;
  const devices = Array.from({ length: TOTAL - have }, (_, i) => ({
    name: `Prøvegade ${String(i + 1).padStart(5, '0')}`, line, kind: i % 3 ? 'water_meter' : 'hca', manufacturer: 'XXX', id: String(10_000_000 + i), site: `Prøvegade ${i + 1}`, city: 'Thermopolis', schedule: 'none', enabled: false,
  }));
  for (let i = 0; i < devices.length; i += 2500) await api.post('/devices/import', { lines: [], devices: devices.slice(i, i + 2500), groups: [] });
  tap.equal((await api.get('/devices?limit=1')).total, TOTAL, 'ten thousand devices are there');
}

/** Figures of the page's own thread, in ms of its CPU where the browser tells. */
async function meter(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const read = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
  return {
    read,
    /** Kept bytes, after everything that nobody holds is gone. */
    async kept() {
      await cdp.send('HeapProfiler.enable');
      for (let i = 0; i < 2; i++) await cdp.send('HeapProfiler.collectGarbage');
      const m = await read();
      return { heap: m.JSHeapUsedSize, nodes: m.Nodes, listeners: m.JSEventListeners };
    },
  };
}

/** What one frame of scrolling costs, for the log; budgets on time are not for shared machines. */
async function scrolling({ tap }, page) {
  const cpu = await meter(page);
  for (const [what, step] of [['three rows', 96], ['thirty rows', 960]]) {
    const before = await cpu.read();
    const frames = await page.evaluate(async (px) => {
      const el = document.querySelector('.grid');
      const times = [];
      let last = await new Promise(requestAnimationFrame);
      for (let i = 0; i < 120; i++) {
        el.scrollTop += px;
        const at = await new Promise(requestAnimationFrame);
        times.push(at - last);
        last = at;
      }
      return times.sort((a, b) => a - b);
    }, step);
    const after = await cpu.read();
    const per = (key) => ((after[key] - before[key]) * 1000 / frames.length).toFixed(2);
    tap.note(`scrolling ${what} a frame: script ${per('ScriptDuration')} ms, layout ${per('LayoutDuration')} ms, styles ${per('RecalcStyleDuration')} ms of CPU; frame median ${frames[60].toFixed(1)} ms, p95 ${frames[114].toFixed(1)} ms`);
    const left = await until(async () => (await page.locator('.grid-row:not([hidden]).is-blank').count()) === 0, 'rows in place of the placeholders');
    tap.ok(left, `after scrolling ${what} a frame every row has its data`);
  }
}

async function jumps({ tap, api }, page) {
  const grid = page.getByRole('grid');
  await grid.focus();
  await page.keyboard.press('End');
  const last = (await api.get(`/devices?sort=name&offset=${TOTAL - 1}&limit=1`)).items[0].name;
  await until(async () => (await page.locator('.grid-row.is-cursor').textContent())?.includes(last), 'the last row');
  tap.ok(true, 'End shows the last of ten thousand rows');
  for (const index of [5000, 1234, 8765]) {
    await page.evaluate((i) => { document.querySelector('.grid').scrollTop = i * document.querySelector('.grid-row').getBoundingClientRect().height; }, index);
    const wanted = (await api.get(`/devices?sort=name&offset=${index}&limit=1`)).items[0].name;
    await until(async () => (await page.locator(`.grid-row[aria-rowindex="${index + 2}"]`).textContent())?.includes(wanted), `row ${index}`);
    tap.ok(true, `row ${index} is the right one after a jump`);
  }
  tap.ok(await page.locator('.grid-row').count() < 60, 'rows are recycled, not added');
}

async function keys({ tap, api }, page) {
  const cursor = () => page.locator('.grid-row.is-cursor').getAttribute('aria-rowindex').then(Number);
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.locator('.grid-row.is-cursor:not(.is-blank)').waitFor();
  tap.equal(await cursor(), 2, 'Home is the first row');
  await page.keyboard.press('PageDown');
  const page1 = await cursor();
  tap.ok(page1 > 5 && page1 < 60, `PageDown moves by what is on screen (row ${page1 - 1})`);
  await page.keyboard.press('ArrowUp');
  tap.equal(await cursor(), page1 - 1, 'an arrow moves by one');
  await page.keyboard.press('PageUp');
  await page.keyboard.press('PageUp');
  tap.equal(await cursor(), 2, 'PageUp stops at the first row');
  await page.keyboard.press('ArrowDown');
  const second = (await api.get('/devices?sort=name&offset=1&limit=1')).items[0];
  const active = await page.evaluate(() => document.getElementById(document.querySelector('[role=grid]').getAttribute('aria-activedescendant'))?.getAttribute('aria-rowindex'));
  tap.equal(active, '3', 'assistive technology is told which row is current');
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`/devices/${second.id}$`));
  await page.getByRole('heading', { name: second.name }).waitFor();
  tap.ok(true, 'Enter opens the row');
  await page.goBack();
  await page.getByText('10,000 devices', { exact: true }).waitFor();
  await settled(page);
}

async function sortAndColumns({ tap, api }, page) {
  const top = () => page.locator('.grid-row[aria-rowindex="2"]');
  const first = async (sort) => (await api.get(`/devices?sort=${sort}&limit=1`)).items[0];
  for (const [sort, direction] of [['serial', 'ascending'], ['-serial', 'descending']]) {
    const began = performance.now();
    await page.getByRole('columnheader', { name: 'Serial no.' }).getByRole('button').click();
    const wanted = await first(sort);
    await until(async () => (await top().textContent())?.includes(wanted.serial), `the first row by ${sort}`);
    tap.ok(true, `a heading sorts ten thousand rows ${direction}`);
    tap.equal(await page.getByRole('columnheader', { name: 'Serial no.' }).getAttribute('aria-sort'), direction, 'and says so');
    tap.note(`sorted rows on screen ${(performance.now() - began).toFixed(0)} ms after the click, with the server's time`);
  }
  const columns = () => page.getByRole('columnheader').count();
  const before = await columns();
  await page.getByRole('button', { name: 'Columns and sorting' }).click();
  await page.getByRole('checkbox', { name: 'Added' }).setChecked(true);
  await page.getByRole('columnheader', { name: 'Added' }).waitFor();
  tap.equal(await columns(), before + 1, 'the chooser adds a column');
  tap.equal(await top().locator('[role=gridcell]').count(), before + 1, 'in every row');
  await page.getByRole('checkbox', { name: 'Added' }).setChecked(false);
  await page.getByRole('columnheader', { name: 'Added' }).waitFor({ state: 'detached' });
  tap.equal(await columns(), before, 'and takes it away');
  await page.keyboard.press('Escape');
}

async function searchAndFilter({ tap, api }, page) {
  const matches = async (path) => `${(await api.get(path)).total} matches`;
  const began = performance.now();
  await page.getByPlaceholder(FILTER).fill('Prøvegade 09');
  const found = await matches(`/devices?search=${encodeURIComponent('Prøvegade 09')}&limit=1`);
  await page.getByText(found, { exact: true }).waitFor();
  tap.ok(true, `the search answers over all of them (${found})`);
  tap.note(`answer to a search on screen after ${(performance.now() - began).toFixed(0)} ms, with the pause after the last key and the server's time`);
  await page.locator('.toolbar').getByRole('button', { name: 'Kind' }).click();
  await page.locator('.menu .menu-item', { hasText: 'Heat cost allocator' }).click();
  const both = await matches(`/devices?search=${encodeURIComponent('Prøvegade 09')}&kind=hca&limit=1`);
  await page.getByText(both, { exact: true }).waitFor();
  tap.ok(both !== found, `a filter narrows the search (${both})`);
  await page.getByRole('button', { name: 'Remove filter Heat cost allocator' }).click();
  await page.getByPlaceholder(FILTER).fill('');
  await page.getByText('10,000 devices', { exact: true }).waitFor();
  tap.ok(true, 'and everything comes back');
}

const STEP_MS = 30_000;
const EVENTS_PER_STEP = 60;

/**
 * Live events as the server words them, with the browser's clock jumping ahead: timers, ages and
 * refreshes take part. `what` is 'device' for the states of devices or 'values' for measured values.
 */
async function live(page, what, ids, minutes) {
  for (let step = 0; step < minutes * 60_000 / STEP_MS; step++) {
    await page.evaluate(({ kind, list, count, base }) => {
      const es = globalThis.hypStreams.at(-1);
      const time = new Date().toISOString();
      for (let i = 0; i < count; i++) {
        const id = list[(base + i) % list.length];
        const data = kind === 'device' ? { id, state: i % 7 ? 'ok' : 'failing', last_reading: time, last_error: i % 7 ? '' : `no answer ${base + i}` }
          : { device: id, time, values: [{ point: id, value: base + i, text: String(base + i), quality: 'good' }] };
        es.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify(data) }));
      }
    }, { kind: what, list: ids, count: EVENTS_PER_STEP, base: step * EVENTS_PER_STEP });
    await page.clock.fastForward(STEP_MS);
  }
}

async function anHour(world, path, what, ids) {
  const { tap, server, browser, admin } = world;
  const context = await browser.person();
  await context.addCookies(await admin.cookies());
  await context.addInitScript(() => {
    const Plain = globalThis.EventSource;
    globalThis.hypStreams = [];
    globalThis.EventSource = class extends Plain { constructor(...a) { super(...a); globalThis.hypStreams.push(this); } };
    try { localStorage.setItem('hyp.signedIn', 'true'); } catch { /* about:blank has none */ }
  });
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(server.url + path);
  await page.locator('main h1').first().waitFor();
  await page.waitForFunction(() => globalThis.hypStreams?.length > 0);
  const memory = await meter(page);
  // Caches, pools and compiled code fill up first.
  await live(page, what, ids, 10);
  const before = await memory.kept();
  const began = (await memory.read()).TaskDuration;
  await live(page, what, ids, 60);
  const busy = (await memory.read()).TaskDuration - began;
  const after = await memory.kept();
  const mb = (n) => (n / 1048576).toFixed(2);
  tap.note(`${path}: ${60 * 60_000 / STEP_MS * EVENTS_PER_STEP} events in an hour, ${(busy * 1000 / (60 * 60_000 / STEP_MS)).toFixed(1)} ms of CPU for each ${EVENTS_PER_STEP}; heap ${mb(before.heap)} to ${mb(after.heap)} MB, nodes ${before.nodes} to ${after.nodes}, listeners ${before.listeners} to ${after.listeners}`);
  tap.ok(after.heap < 60 * 1048576, `${path}: the heap stays below 60 MB`, mb(after.heap));
  tap.ok(after.heap - before.heap < 1048576, `${path}: an hour of live events leaves nothing behind`, `${mb(after.heap - before.heap)} MB more`);
  tap.ok(after.nodes <= before.nodes * 1.2 + 200, `${path}: the document does not grow`, `${before.nodes} to ${after.nodes} nodes`);
  tap.ok(after.listeners <= before.listeners * 1.2 + 50, `${path}: listeners do not pile up`, `${before.listeners} to ${after.listeners}`);
  tap.equal(unexpected(context), [], `${path}: an hour leaves no console error`);
  await context.close();
}

export async function run(world) {
  const { tap, server, admin } = world;
  await addDevices(world);
  const page = await admin.newPage();
  let windows = 0;
  page.on('request', (r) => { if (/\/api\/v1\/devices\?/.test(r.url()) && /offset=/.test(r.url())) windows++; });
  await open(page, server, '/devices?sort=name');
  await page.getByText('10,000 devices', { exact: true }).waitFor();
  tap.equal(await page.getByRole('grid').getAttribute('aria-rowcount'), String(TOTAL + 1), 'the table tells its length to assistive technology');
  const pool = await page.locator('.grid-row').count();
  tap.ok(pool < 60, `only the rows on screen exist (${pool})`);
  await jumps(world, page);
  tap.ok(windows <= 14, `data came in few windows (${windows})`);
  await keys(world, page);
  await scrolling(world, page);
  await sortAndColumns(world, page);
  await searchAndFilter(world, page);
  tap.equal(unexpected(admin), [], 'ten thousand rows leave no console error');
  await page.close();
  await hours(world);
}

/** What a control room leaves open all day. */
export async function hours(world) {
  const { api, device } = world;
  const ids = (await api.get('/devices?sort=name&limit=200')).items.map((d) => d.id);
  const points = (await api.get(`/devices/${device.id}/points`)).items.map((p) => p.point);
  const page = `/devices/${device.id}`;
  await Promise.all([anHour(world, '/devices', 'device', ids), anHour(world, '/', 'device', ids)]);
  await Promise.all([anHour(world, page, 'values', points), anHour(world, `${page}?tab=chart`, 'values', points)]);
}
