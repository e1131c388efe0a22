// The telegram inspector: stored, pasted, encrypted and refused telegrams.
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Api, axeViolations, firstAdmin, freePort, open, root, Server, settled, unexpected, until } from './harness.mjs';

// Diehl Sharky 775 with a fault, the capture of devices/diehl_sharky.yaml.
const FAULTY = [
  '68545468084E727875015124232004467000000C06000000008C1006000000000C13439436018C2013000000008C4013480000008C80401312000000',
  '02FD1710003B3BBDEBDD3C2BBDEBDDDD0A5A74010A5E72010A6201006B16',
].join('');

async function stored({ tap, server, device }, page) {
  await open(page, server, `/devices/${device.id}`);
  await page.getByRole('link', { name: /^Telegram of Energy/ }).first().click();
  await page.getByRole('heading', { name: /^Telegram \d+/ }).waitFor();
  await settled(page);
  const bytes = await page.locator('.hex-byte').count();
  tap.ok(bytes > 20, `a value leads to its bytes (${bytes})`);
  const plain = await page.locator('.hex-byte.layer-none').count();
  tap.equal(plain, 0, 'every byte is explained');
  tap.ok(await page.locator('.hex-byte.is-lit').count() > 0 && await page.locator('.note-row.is-lit').count() === 1, 'the bytes of the value and their line are marked');

  const address = page.locator('.note-row', { has: page.locator('.swatch-box.layer-address') }).filter({ hasText: device.manufacturer }).first();
  await address.hover();
  const lit = await page.locator('.hex-byte.is-lit').count();
  tap.ok(lit >= 2, 'pointing at a line marks its bytes');
  await page.locator('.hex-byte.is-lit').first().hover();
  tap.match(await page.locator('.note-row.is-lit').textContent(), new RegExp(device.manufacturer), 'pointing at a byte marks its line');
  await page.locator('.hex').focus();
  await page.keyboard.press('ArrowRight');
  const first = await page.locator('.note-row.is-lit').textContent();
  await page.keyboard.press('ArrowRight');
  const walked = await page.waitForFunction((before) => {
    const lit = document.querySelector('.note-row.is-lit');
    return lit !== null && lit.textContent !== before;
  }, first).then(() => true, () => false);
  tap.ok(walked, 'arrow keys walk from field to field');
  const names = await page.locator('section', { has: page.getByRole('heading', { name: 'Values in this telegram' }) }).locator('tbody tr').allTextContents();
  tap.ok(names.some((n) => /Energy/.test(n)), 'the values of the telegram are listed', names.slice(0, 4).join('\n'));
  const said = await page.locator('.notes').textContent();
  tap.ok(!/; [a-z]+[_.][a-z]/.test(said) && /; Operating time|; Energy|; Volume/.test(said), 'what a record became is said in words, not by its key', said.match(/; \w+[_.]?\w*/g)?.join(' '));
  tap.ok(/ (°C|m³)/.test(said) && !/\d (degC|m3)\b/.test(said), 'units are printed as people write them', said.slice(0, 300));
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy as text' }).click();
  await page.locator('.toast', { hasText: 'Copied' }).waitFor();
  tap.match(await page.evaluate(() => navigator.clipboard.readText()), /^Telegram \d+[\s\S]+values\n/, 'the explanation copies as text');
}

function captures(town) {
  const sim = process.env.HYPOCAUST_SIM ?? join(root, 'build/hypocaust-sim');
  const lines = execFileSync(sim, ['history', '--town', town.file, '--days', '1', '--step-min', '360'], { maxBuffer: 256 * 1024 * 1024, encoding: 'utf8' }).split('\n').filter((l) => l && !l.startsWith('#')).map((l) => l.split(' '));
  const wired = lines.find((l) => l[1] === 'mbus-north')[2];
  // A meter's id is in its telegram, low byte first.
  const reversed = (id) => id.match(/../g).reverse().join('').toUpperCase();
  for (const d of town.manifest.devices.filter((x) => x.key && !/wrong/i.test(JSON.stringify(x)))) {
    const hit = lines.find((l) => l[1] === d.line && l[2].toUpperCase().includes(reversed(d.id)));
    if (hit) return { wired, radio: hit[2], key: d.key, id: d.id };
  }
  throw new Error('the town has no encrypted meter with a past');
}

async function pasted({ tap, server, town }, page) {
  const c = captures(town);
  await open(page, server, '/inspector');
  await page.getByRole('button', { name: 'Explain' }).click();
  tap.match(await page.getByRole('alert').textContent(), /Paste a telegram first/, 'nothing to explain is said');
  await page.getByLabel('Telegram as hex').fill('68 2G');
  await page.getByRole('button', { name: 'Explain' }).click();
  tap.match(await page.getByRole('alert').textContent(), /not a hex digit/, 'what is not hex is named');
  await page.getByLabel('Telegram as hex').fill(c.wired.match(/../g).join(' '));
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('.hex-byte').first().waitFor();
  tap.match(page.url(), /hex=68/, 'a pasted telegram has an address to share');
  tap.ok(await page.locator('.note-group', { hasText: 'Record 2' }).count() > 0, 'its records are explained one by one');

  await page.getByLabel('Telegram as hex').fill(FAULTY);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('list', { name: 'Info code' }).waitFor();
  tap.match(await page.getByRole('list', { name: 'Info code' }).textContent(), /\w.*(bit|code) \d+, (Low|Medium|High|Critical)/, 'the bits of an info code stand by name, with how bad they are');

  const broken = c.wired.slice(0, -4) + (parseInt(c.wired.slice(-4, -2), 16) ^ 0xff).toString(16).padStart(2, '0') + c.wired.slice(-2);
  await page.getByLabel('Telegram as hex').fill(broken);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('.failed', { hasText: 'Damaged' }).waitFor();
  tap.match(await page.locator('.failed').textContent(), /at byte \d+/, 'a refused telegram says where and why');
  tap.ok(await page.locator('.hex-byte.layer-error, .hex-byte.is-bad').count() > 0, 'the refused byte is marked');

  await page.getByLabel('Telegram as hex').fill(c.radio);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('.facts-row', { hasText: c.id }).waitFor();
  tap.ok(true, 'a radio telegram names its meter');
  await page.getByLabel('Key (optional)').fill('12345');
  await page.getByRole('button', { name: 'Explain' }).click();
  tap.match(await page.getByRole('alert').first().textContent(), /16 bytes/, 'half a key is refused');
  await page.getByLabel('Key (optional)').fill(c.key);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('heading', { name: 'Values in this telegram' }).waitFor();
  tap.ok(await page.locator('.tabs .tab').count() >= 2, 'with the key there is a decrypted stage beside the received one');
  tap.ok(!page.url().toLowerCase().includes(c.key.toLowerCase()), 'the key is not in the address bar');
  await page.getByRole('button', { name: 'Copy as test case' }).click();
  const copied = await until(async () => { const text = await page.evaluate(() => navigator.clipboard.readText()); return /telegram: >-/.test(text) ? text : null; }, 'the copied test case');
  tap.ok(copied.includes(c.radio.slice(0, 60).toUpperCase()) && /expect:\n/.test(copied), 'the telegram copies as a test case', copied);
  tap.ok(!copied.toLowerCase().includes(c.key.toLowerCase()), 'without its key');
}

// What nobody can decode: each is shown whole, with a reason and every byte in a note.
const HOPELESS = [
  ['a single byte', 'FF'],
  ['noise', '00112233445566778899AABBCCDDEEFF0102030405060708090A0B0C0D0E0F'],
  ['half a wired frame', '6820206808017278563412'],
  ['half a radio telegram', '2E4493157856341233037A2A0020255923C95AAA'],
  ['an encrypted one without its key', '2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69EBF3'],
  ['a CI that no standard has', '1044931578563412330755010203040506'],
];

async function hopeless({ tap, server }, page) {
  await open(page, server, '/inspector');
  for (const [name, hex] of HOPELESS) {
    await page.getByLabel('Telegram as hex').fill(hex);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.waitForFunction((n) => document.querySelectorAll('.hex-byte').length === n, hex.length / 2);
    const bare = await page.locator('.hex-byte.layer-none').count();
    const reason = await page.locator('.failed').count() ? await page.locator('.failed').textContent() : '';
    tap.ok(bare === 0 && reason.length > 10, `${name}: refused with a reason, every byte explained`, `${bare} bytes without a note; ${reason}`);
    tap.equal((await page.locator('.note-field').allTextContents()).filter((x) => /[A-Z]_[A-Z]|[A-Z]{8}/.test(x)), [], `${name}: named in words, not by a code`);
  }
  await page.getByRole('button', { name: 'Copy as test case' }).click();
  const copied = await until(async () => { const text = await page.evaluate(() => navigator.clipboard.readText()); return /class: error/.test(text) ? text : null; }, 'the copied refusal');
  tap.match(copied, /refused: [A-Z_]+/, 'a refused telegram copies as a test case too');
}

/** SND_NR of the water meter ELS 12345678: volume in litres. */
const litres = (n) => `144493157856341201077A${n.toString(16).padStart(2, '0')}0000000C13${String(n).padStart(8, '0').match(/../g).reverse().join('')}`;

/** A receiver that calls in, and says what it hears. */
async function receiver(api, name) {
  const port = await freePort();
  const line = await api.post('/lines', { name, kind: 'wmbus-tcp-listen', host: '127.0.0.1', port });
  await until(async () => (await api.get(`/lines/${line.id}`)).state.link === 'listening', `${name} to listen`);
  const socket = connect(port, '127.0.0.1');
  return { line, socket, say: (hex, rssi) => socket.write(`${JSON.stringify({ rssi, telegram: hex })}\n`) };
}

/** A telegram that two receivers heard says so, one of a single receiver does not. */
async function heard({ tap, browser }) {
  const server = new Server();
  await server.start();
  const admin = await firstAdmin(browser, server);
  const api = new Api(server, admin.request);
  const device = await api.post('/devices', { name: 'cold water', kind: 'water_meter', manufacturer: 'ELS', serial: '12345678', version: 1, medium: 7, line: null, schedule: 'none' });
  const [cellar, roof] = [await receiver(api, 'cellar'), await receiver(api, 'roof')];
  const frames = async (n) => until(async () => { const { items } = await api.get(`/devices/${device.id}/frames`); return items.length === n && items; }, `${n} telegrams`);
  // Both at once: how long a copy may take is counted by the server's clock.
  for (const [r, rssi] of [[cellar, -70], [roof, -91]]) r.say(litres(11), rssi);
  const [both] = await frames(1);
  await until(async () => (await api.get(`/frames/${both.id}`)).receivers.length === 2, 'both receivers');
  roof.say(litres(12), -90);
  const alone = (await frames(2)).find((f) => f.id !== both.id);
  const page = await admin.newPage();
  const table = page.getByRole('region', { name: 'Reception' });
  for (const [how, size, colorScheme] of [['desk', [1440, 900], 'light'], ['phone, dark', [390, 844], 'dark']]) {
    await page.setViewportSize({ width: size[0], height: size[1] });
    await page.emulateMedia({ colorScheme });
    await open(page, server, `/frames/${both.id}`);
    const rows = (await table.locator('tbody tr').allTextContents()).map((x) => x.replace(/\u00a0/g, ' ')).sort();
    tap.ok(rows.length === 2 && /^cellar−70 dBm\d{4}-/.test(rows[0]) && /^roof−91 dBm\d{4}-/.test(rows[1]), `${how}: a telegram says which receivers heard it, how well and when`, rows.join('\n'));
    tap.equal(await axeViolations(browser, page), [], `${how}: axe finds nothing`);
    tap.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth) && await table.locator('.table-box').evaluate((e) => e.scrollWidth <= e.clientWidth), `${how}: nothing is too wide`);
    if (process.env.HYP_SHOTS) await page.screenshot({ path: `${process.env.HYP_SHOTS}/heard-${how.slice(0, 4)}.png`, fullPage: true });
  }
  await table.getByRole('link', { name: 'roof' }).click();
  await page.waitForURL(`**/lines/${roof.line.id}`);
  await open(page, server, `/frames/${alone.id}`);
  await page.getByRole('heading', { name: 'Values in this telegram' }).waitFor();
  tap.equal(await table.count(), 0, 'a telegram of one receiver has no such table');
  for (const r of [cellar, roof]) r.socket.destroy();
  tap.equal(unexpected(admin), [], 'receivers leave no console error and no CSP report');
  await admin.close();
  await server.stop();
}

export async function run(world) {
  const page = await world.admin.newPage();
  await stored(world, page);
  await pasted(world, page);
  await hopeless(world, page);
  await heard(world);
  await open(page, world.server, '/frames');
  await page.locator('.grid-row:not([hidden])').first().waitFor();
  world.tap.ok(true, 'the list of telegrams fills');
  world.tap.equal(unexpected(world.admin), [], 'inspecting leaves no console error and no CSP report');
  await page.close();
}
