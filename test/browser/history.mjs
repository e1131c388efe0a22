// All versions of a value on the readings tab: by mouse and by keyboard, with author and reason; another
// value entered, refused at its fields, known already; a value where nothing was read; a phone, a dark
// screen, a reader, and versions that cannot be loaded.
import { Api, axeViolations, open, removeShown, settled, unexpected, until, withSession } from './harness.mjs';

const HOUR = 3_600_000;
const FIRST = Date.UTC(2025, 9, 15, 6);
const WHY = 'meter read by hand, display <b>cracked</b>';

async function fill(api) {
  const device = await api.post('/devices', { name: 'corrected meter', kind: 'heat_meter', manufacturer: 'KAM', serial: '25101515', line: null, schedule: 'none' });
  const lines = ['time;energy [kWh];volume [m3]'];
  for (let i = 0; i < 6; i++) lines.push(`${new Date(FIRST + i * HOUR).toISOString().replace('.000', '')};${i === 3 ? 99999 : 5000 + i};${70 + i}`);
  await api.call('POST', `/readings/import?device=${device.id}`, `${lines.join('\n')}\n`, true);
  const { items } = await api.get(`/devices/${device.id}/points`);
  return { device, energy: items.find((p) => p.key === 'energy').point };
}

/** A measured value leads to its telegram: gas meter ELS 12345678 of OMS annex N, security mode 5. */
async function telegram(tap, page, api, server) {
  const device = await api.post('/devices', { name: 'telling gas meter', manufacturer: 'ELS', serial: '12345678', version: 51, medium: 3, line: null, schedule: 'none', key: '0102030405060708090A0B0C0D0E0F11' });
  await api.call('POST', '/intake', '2026-01-03T06:00:00Z radio 2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69EBF3\n', true);
  await until(async () => (await api.get(`/devices/${device.id}/readings`)).total === 1, 'the reading of the telegram');
  const [{ frame }] = (await api.get(`/devices/${device.id}/readings`)).items;
  await open(page, server, `/devices/${device.id}?tab=readings&from=2026-01-02T00:00:00Z&to=2026-01-04T00:00:00Z`);
  await gridRows(page).first().locator('.opens').first().click();
  const dialog = page.getByRole('dialog', { name: /^Versions, 2026-01-03/ });
  await dialog.getByRole('link', { name: String(frame) }).click();
  await page.waitForURL(`**/frames/${frame}`);
  await page.getByText('telling gas meter').first().waitFor();
  await settled(page);
  tap.equal([await dialog.count(), await page.getByRole('heading', { level: 1 }).count()], [0, 1], 'a value that was measured leads to its telegram');
  await removeShown(page, api, device);
}

const plain = (text) => text.replace(/[\u202f\u00a0]/g, ' ');
const gridRows = (page) => page.locator('.readings-grid .grid-row:not([hidden])');
const wrong = (page) => gridRows(page).getByText(/99.999/);
const mended = (page) => gridRows(page).getByText(/5003\.5/);
const panel = (page) => page.getByRole('dialog', { name: /^Versions, 2025-10-15/ });
const table = (page) => panel(page).locator('.versions tbody tr');
const said = (dialog, label) => dialog.locator('.field', { has: dialog.page().getByLabel(label) }).getByRole('alert');

/** A click on the wrong value shows what there is of it: the one that came by file. */
async function look(tap, page) {
  await wrong(page).click();
  await table(page).first().waitFor();
  tap.match(await page.getByRole('dialog').getByRole('heading').textContent(), /^Versions, 2025-10-15 11:00:00$/, 'a click on a value opens its versions, under the time of the reading');
  tap.equal(await table(page).count(), 1, 'there is one version of it');
  tap.match(plain(await table(page).first().textContent()), /99.999kWh Shown.*Good.*File/, 'with its quality and source, marked as the one that is shown');
  await panel(page).getByLabel('Register').locator('option').first().waitFor({ state: 'attached' });
  tap.equal(await panel(page).getByLabel('Register').locator('option').allTextContents(), ['Energy [kWh]', 'Volume [m³]'], 'the other registers of the reading are a choice away');
  await panel(page).getByLabel('Register').selectOption({ label: 'Volume [m³]' });
  await panel(page).getByRole('region', { name: 'Versions of Volume' }).waitFor();
  tap.match(plain(await table(page).first().textContent()), /^73m³ Shown/, 'and have versions of their own');
  await panel(page).getByLabel('Register').selectOption({ label: 'Energy [kWh]' });
  await panel(page).getByRole('region', { name: 'Versions of Energy' }).waitFor();
}

/** The wrong value is corrected; what is refused is said at its field. */
async function correct(tap, page) {
  const dialog = panel(page);
  await dialog.getByRole('button', { name: 'Enter another value' }).click();
  tap.ok(await dialog.getByLabel('Value').evaluate((e) => e === document.activeElement), 'the form begins with the value');
  tap.ok(await dialog.getByRole('radio', { name: 'Corrected' }).isChecked(), 'a value that is there is corrected, if nothing else is said');
  const save = dialog.getByRole('button', { name: 'Save' });
  await save.click();
  tap.match(await said(dialog, 'Value').textContent(), /Enter a number/, 'a missing number is asked for at its field');
  await dialog.getByLabel('Value').fill('5 003,5');
  await save.click();
  tap.match(await said(dialog, 'Reason').textContent(), /^Say why/, 'a missing reason is refused by the server, at its field');
  tap.ok(await dialog.getByLabel('Reason').evaluate((e) => e === document.activeElement && e.getAttribute('aria-invalid') === 'true'), 'which takes the focus');
  await dialog.getByLabel('Reason').fill(WHY);
  await save.click();
  await save.waitFor({ state: 'detached' });
  await table(page).nth(1).waitFor();
  const shown = table(page).filter({ hasText: 'Shown' });
  tap.equal(await shown.count(), 1, 'of two versions one is shown');
  tap.match(plain(await shown.textContent()), /5003\.5kWh Shown.*CorrectedTyped by operator.*Anna Berg/, 'the corrected one, with its author');
  tap.ok((await shown.textContent()).includes(WHY), 'and with its reason, letter by letter');
  tap.ok(await dialog.getByRole('button', { name: 'Enter another value' }).evaluate((e) => e === document.activeElement), 'the focus is back where the form was opened');
  await dialog.getByRole('button', { name: 'Enter another value' }).click();
  await dialog.getByLabel('Value').fill('5003.5');
  await dialog.getByLabel('Reason').fill('twice');
  await save.click();
  tap.match(await said(dialog, 'Value').textContent(), /is there already/, 'the same value once more is told to be known');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await mended(page).waitFor();
  const rows = gridRows(page).filter({ hasText: '2025-10-15 11:00:00' });
  tap.equal(await rows.count(), 1, 'the list of readings has the new value at once, in the row of the wrong one');
  tap.match(plain(await rows.textContent()), /\*Corrected, 2 versions\. Show them all5003\.573.*File/, 'with a mark, beside what the reading had else');
}

/** The same without a mouse. */
async function byKeyboard(tap, page) {
  const grid = page.getByRole('grid', { name: 'Readings' });
  await grid.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await table(page).first().waitFor();
  tap.match(plain(await table(page).first().textContent()), /5005kWh Shown/, 'Space opens the versions of the row under the cursor');
  await page.keyboard.press('Escape');
  await panel(page).waitFor({ state: 'detached' });
  tap.ok(await grid.evaluate((e) => e === document.activeElement), 'Escape closes them and the list has the focus again');
  await page.keyboard.press('Enter');
  await table(page).first().waitFor();
  tap.ok(true, 'a reading without a telegram has its versions where others open the telegram');
  await page.keyboard.press('Escape');
  await panel(page).waitFor({ state: 'detached' });
}

/** A value for a time at which nothing was read. */
async function enter(tap, page) {
  await page.getByRole('button', { name: 'Enter value' }).click();
  const form = page.getByRole('dialog', { name: 'Enter value' });
  await form.getByLabel('Register').selectOption({ label: 'Volume [m³]' });
  await form.getByLabel('Value').fill('76.25');
  await form.getByLabel('Reason').fill('read by the caretaker');
  await form.getByLabel('Time').fill('2099-10-15T14:30');
  const save = form.getByRole('button', { name: 'Save' });
  await save.click();
  tap.match(await said(form, 'Time').textContent(), /^Must be between the year 2000 and now/, 'a time to come is refused at the field of the time');
  await form.getByLabel('Time').fill('2025-10-15T14:30');
  await form.getByRole('radio', { name: 'Estimated' }).check();
  await save.click();
  await form.waitFor({ state: 'detached' });
  const row = gridRows(page).filter({ hasText: '2025-10-15 14:30:00' });
  await row.waitFor();
  tap.match(await row.textContent(), /76\.25.*Typed by operator/, 'the value stands in the list under its time');
  await row.getByText('76.25').click();
  await table(page).first().waitFor();
  tap.match(plain(await table(page).first().textContent()), /^76\.25m³ Shown.*Estimated.*Anna Berg.*read by the caretaker/, 'with quality, author and reason');
  await page.keyboard.press('Escape');
}

/** A counter that would go backwards: told with the reading it contradicts, and kept only when confirmed. */
async function backwards(tap, page) {
  await page.getByRole('button', { name: 'Enter value' }).click();
  const form = page.getByRole('dialog', { name: 'Enter value' });
  await form.getByLabel('Register').locator('option').first().waitFor({ state: 'attached' });
  tap.equal(await form.getByLabel('Register').locator('option').allTextContents(), ['Energy [kWh]', 'Volume [m³]'], 'every register that the meter has is offered');
  await form.getByLabel('Value').fill('40');
  await form.getByLabel('Reason').fill('after the flood');
  await form.getByLabel('Time').fill('2025-10-15T16:00');
  const save = form.getByRole('button', { name: 'Save' });
  tap.equal(await form.getByRole('checkbox').count(), 0, 'nothing is asked before there is doubt');
  await save.click();
  tap.match(plain(await said(form, 'Value').textContent()), /^Less than the 5005 kWh of 2025-10-15T11:00:00Z, and a counter goes forward/, 'a counter that goes backwards is refused at its field, with the reading it contradicts');
  const confirm = form.getByLabel('Keep it all the same');
  await form.getByLabel('Value').fill('41');
  await confirm.waitFor({ state: 'detached' });
  tap.ok(true, 'another number has to be refused anew');
  await save.click();
  await confirm.check();
  await save.click();
  await form.waitFor({ state: 'detached' });
  const row = gridRows(page).filter({ hasText: '2025-10-15 16:00:00' });
  await row.waitFor();
  tap.match(plain(await row.textContent()), /†Typed in41/, 'confirmed, it is kept and marked as typed in');
}

/** A meter that has sent nothing: its first value comes from a person. */
async function unread(tap, page, api, server) {
  const device = await api.post('/devices', { name: 'silent water meter', kind: 'water_meter', manufacturer: 'KAM', serial: '25101516', line: null, schedule: 'none' });
  await open(page, server, `/devices/${device.id}?tab=readings`);
  await page.getByRole('button', { name: 'Enter value' }).click();
  const form = page.getByRole('dialog', { name: 'Enter value' });
  await form.getByLabel('Register').locator('option').first().waitFor({ state: 'attached' });
  tap.equal(await form.getByLabel('Register').locator('option').allTextContents(), ['Volume [m³]'], 'of a meter that never spoke what stands on its display is offered');
  await form.getByLabel('Value').fill('12.5');
  await form.getByLabel('Reason').fill('read at the door');
  await form.getByLabel('Time').fill((await api.get('/status')).time.slice(0, 16));
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  await gridRows(page).filter({ hasText: '12.5' }).waitFor();
  tap.ok(true, 'and stands in the list, with its column');
  await removeShown(page, api, device);
}

async function elsewhere({ tap, browser, admin, server }, there, name, options) {
  const other = await withSession({ browser, admin }, options);
  const page = await other.newPage();
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  const shot = async (what) => { if (process.env.HYP_SHOTS) await page.screenshot({ path: `${process.env.HYP_SHOTS}/${what}-${options.colorScheme ?? 'phone'}.png` }); };
  await open(page, server, there);
  await mended(page).click();
  await table(page).nth(1).waitFor();
  tap.equal(await axeViolations(browser, page), [], `${name}: axe finds nothing in the versions`);
  tap.ok(await fits() && await panel(page).locator('.versions').evaluate((e) => e.scrollWidth <= e.clientWidth), `${name}: they fit without scrolling sideways`);
  tap.ok(await panel(page).getByText(WHY).filter({ visible: true }).count() === 1 && await panel(page).getByText(/Anna Berg/).filter({ visible: true }).count() === 1, `${name}: with author and reason`);
  await shot('versions');
  await panel(page).getByRole('button', { name: 'Enter another value' }).click();
  await panel(page).getByRole('button', { name: 'Save' }).waitFor();
  tap.equal(await axeViolations(browser, page), [], `${name}: axe finds nothing in the form`);
  tap.ok(await fits(), `${name}: the form is not too wide`);
  await shot('versions-form');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Enter value' }).click();
  await page.getByRole('dialog', { name: 'Enter value' }).getByRole('button', { name: 'Save' }).waitFor();
  tap.equal(await axeViolations(browser, page), [], `${name}: nor in the form of the list`);
  await shot('enter-value');
  await other.close();
}

/** What a reader sees: the versions, and no way to add one. */
async function asReader(tap, page, server, there) {
  await page.route('**/api/v1/session', async (r) => {
    const res = await r.fetch();
    const body = await res.json();
    await r.fulfill({ response: res, json: { ...body, permissions: body.permissions.filter((p) => p !== 'reading.write') } });
  });
  await open(page, server, there);
  await mended(page).click();
  await table(page).nth(1).waitFor();
  tap.equal(await page.getByRole('button', { name: /^Enter/ }).count(), 0, 'without the right there are versions and no form');
  await page.unroute('**/api/v1/session');
}

/** Versions that cannot be loaded, and such as are gone: said with a way out. */
async function unloaded(tap, page, server, there) {
  await page.route('**/history?*', (r) => r.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"status":500,"detail":"The disk said no."}' }));
  await open(page, server, there);
  await mended(page).click();
  await panel(page).getByText('The versions could not be loaded.').waitFor();
  tap.match(await panel(page).textContent(), /The disk said no\./, 'versions that cannot be loaded say why');
  await page.unroute('**/history?*');
  await page.route('**/history?*', (r) => r.fulfill({ json: { point: 1, items: [] } }));
  await panel(page).getByRole('button', { name: 'Try again' }).click();
  await panel(page).getByText('No value at this time').waitFor();
  tap.ok(await panel(page).getByRole('button', { name: 'Enter another value' }).isVisible(), 'a value that is gone says so, and can be entered');
  await page.unroute('**/history?*');
}

export async function run(world) {
  const { tap, server, admin } = world;
  const page = await admin.newPage();
  const api = new Api(server, admin.request);
  const { device, energy } = await fill(api);
  const there = `/devices/${device.id}?tab=readings&from=2025-10-14T22:00:00Z&to=2025-10-15T22:00:00Z`;
  const asked = [];
  page.on('request', (r) => { if (/versions/.test(r.url()) && !r.url().includes('/api/')) asked.push(r.url()); });
  await open(page, server, there);
  await gridRows(page).first().waitFor();
  tap.equal(asked, [], 'the list of readings comes without the code of the versions');
  await look(tap, page);
  tap.ok(asked.length > 0, 'which the first click fetches');
  await correct(tap, page);
  await byKeyboard(tap, page);
  await enter(tap, page);
  await backwards(tap, page);
  const { items } = await api.get(`/points/${energy}/history?from=2025-10-15T09:00:00Z&to=2025-10-15T09:00:01Z`);
  tap.equal(items.map((v) => [v.value, v.quality, v.shown]), [[99999, 'good', false], [5003.5, 'corrected', true]], 'the server has both versions');
  for (const [name, options] of [['a phone', { viewport: { width: 390, height: 844 } }], ['a dark screen', { colorScheme: 'dark' }]]) await elsewhere(world, there, name, options);
  await asReader(tap, page, server, there);
  await unloaded(tap, page, server, there);
  await telegram(tap, page, api, server);
  await unread(tap, page, api, server);
  await settled(page);
  await page.close();
  tap.equal(unexpected(admin, [/status of (422|500)/]), [], 'looking at versions leaves no console error and no CSP report');
}
