// Lines and devices come in through the browser: M-Bus search, Modbus test, a line that cannot connect.
import { freePort, open, settled, unexpected } from './harness.mjs';

export const essential = true;

async function addLine(page, server, fields) {
  await open(page, server, '/lines');
  await page.locator('.page-head').getByRole('button', { name: 'Add line' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add line' });
  await dialog.getByLabel('Name').fill(fields.name);
  await dialog.getByLabel('Type').selectOption(fields.kind);
  await dialog.getByLabel('Address').fill(fields.host);
  await dialog.getByLabel('Port').fill(String(fields.port));
  await dialog.getByRole('button', { name: 'Save' }).click();
}

async function lines({ tap, server, town }, page) {
  const mbus = town.line('mbus-north');
  await addLine(page, server, { name: '', kind: 'mbus-tcp', host: mbus.host, port: mbus.port });
  const dialog = page.getByRole('dialog', { name: 'Add line' });
  tap.match(await dialog.getByRole('alert').textContent(), /Enter a name/, 'a line without a name is refused at its field');
  tap.ok(await dialog.getByLabel('Name').evaluate((el) => el === document.activeElement), 'the refused field has the focus');
  await dialog.getByLabel('Name').fill('mbus-north');
  await dialog.getByLabel('Port').fill('70000');
  await dialog.getByRole('button', { name: 'Save' }).click();
  tap.match(await dialog.getByRole('alert').textContent(), /1 to 65535/, 'an impossible port is refused');
  await dialog.getByLabel('Port').fill(String(mbus.port));
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'mbus-north' }).waitFor();
  tap.match(new URL(page.url()).pathname, /^\/lines\/\d+$/, 'a new line opens its page');

  const ecl = town.line('ecl-1');
  await addLine(page, server, { name: 'ecl-1', kind: 'modbus-tcp', host: ecl.host, port: ecl.port });
  await page.getByRole('heading', { name: 'ecl-1' }).waitFor();
  await addLine(page, server, { name: 'nobody-there', kind: 'wmbus-tcp', host: '127.0.0.1', port: await freePort() });
  await page.getByRole('heading', { name: 'nobody-there' }).waitFor();
  await page.locator('.page-head .status', { hasText: 'No connection' }).waitFor();
  tap.match(await page.locator('.line-error').textContent(), /refused|connect/i, 'a line that cannot connect says why, without a reload');
  await page.goto(server.url + '/lines');
  await page.getByRole('row', { name: /nobody-there/ }).waitFor();
  await page.goto(server.url + '/');
  await page.getByText('Line nobody-there has no connection').waitFor();
  tap.ok(true, 'the overview puts the broken line first');
}

async function search({ tap, server, town }, page) {
  await open(page, server, '/devices/new');
  await page.getByLabel('Line', { exact: true }).selectOption({ label: 'mbus-north (M-Bus over TCP)' });
  await page.getByLabel('Search by').selectOption('primary');
  await page.getByLabel('From address').fill('9');
  await page.getByLabel('To address').fill('3');
  await page.getByRole('button', { name: 'Start search' }).click();
  tap.match(await page.getByRole('alert').textContent(), /smaller one first/, 'a reversed range is refused');
  await page.getByLabel('From address').fill('1');
  await page.getByLabel('To address').fill('4');
  await page.getByRole('button', { name: 'Start search' }).click();
  const wired = town.manifest.devices.filter((d) => d.line === 'mbus-north' && d.primary_address >= 1 && d.primary_address <= 4);
  await page.locator('.job-line', { hasText: 'Done' }).waitFor();
  const serials = await page.locator('.found-box tbody td:nth-child(2)').allTextContents();
  tap.equal(serials.filter((s) => wired.some((d) => d.id === s)).length, serials.length, 'the search finds meters of the town by their serial numbers');
  tap.ok(serials.length >= 3, `the search finds what answers (${serials.length})`);
  await page.locator('.found-box').getByLabel(`Choose ${serials[0]}`).check();
  await page.locator('.found-box').getByLabel(`Choose ${serials[1]}`).check();
  await page.getByRole('button', { name: 'Add 2 devices' }).click();
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
  await page.goto(server.url + '/devices');
  await page.getByText('2 devices', { exact: true }).waitFor();
  tap.ok(true, 'the found devices are in the list');
  return serials;
}

async function modbusTest({ tap, server }, page) {
  await open(page, server, '/devices/new?way=modbus');
  await page.getByLabel('Line', { exact: true }).selectOption({ label: 'ecl-1' });
  await page.getByLabel('Unit', { exact: true }).fill('1');
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  tap.match(await page.getByRole('alert').first().textContent(), /Choose a profile/, 'Modbus without a profile is refused in words');
  const profile = await page.getByLabel('Profile').locator('option', { hasText: 'ECL' }).first().getAttribute('value');
  await page.getByLabel('Profile').selectOption(profile);
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page.getByRole('heading', { name: 'It answers', exact: true }).waitFor();
  const values = await page.locator('.found-box tbody tr').allTextContents();
  tap.ok(values.length > 5, `the test shows the controller's values before anything is saved (${values.length})`);
  tap.ok(values.some((v) => /outdoor.*\d°C/.test(v)), 'values come with their units', values.slice(0, 5).join('\n'));
  await page.getByLabel('Name').fill('Substation Badehusgade 2');
  await page.getByLabel('Address', { exact: true }).fill('Badehusgade 2');
  await page.getByRole('button', { name: 'Save device' }).click();
  await page.getByRole('heading', { name: 'Substation Badehusgade 2' }).waitFor();
  tap.match(new URL(page.url()).pathname, /^\/devices\/\d+$/, 'the saved controller opens its page');
}

async function silentAddress({ tap, server }, page) {
  await open(page, server, '/devices/new?way=mbus');
  await page.getByLabel('Line', { exact: true }).selectOption({ label: 'mbus-north' });
  await page.getByLabel('Address', { exact: true }).first().fill('249');
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page.getByText('The test failed.').waitFor();
  tap.ok(true, 'a silent address fails the test in words');
}

export async function run(world) {
  const page = await world.admin.newPage();
  await lines(world, page);
  world.serials = await search(world, page);
  await modbusTest(world, page);
  await silentAddress(world, page);
  await settled(page);
  // A search that ends while its page closes can no longer be cancelled: 409.
  world.tap.equal(unexpected(world.admin, [/409/]), [], 'adding lines and devices leaves no console error and no CSP report');
  await page.close();
}
