// Keys: a file with its preview, the telegrams that waited, default keys. Nothing shows a key again.
import { Api, open, removeShown, unexpected, until } from './harness.mjs';

const KEY = '0102030405060708090A0B0C0D0E0F11';
// Gas meter ELS 12345678 of OMS annex N, security mode 5.
const SEALED = '2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69EBF3';

export async function run({ tap, server, admin }) {
  const page = await admin.newPage();
  const api = new Api(server, admin.request);
  const device = await api.post('/devices', { name: 'sealed gas meter', manufacturer: 'ELS', serial: '12345678', version: 51, medium: 3, line: null, schedule: 'none' });
  await api.call('POST', '/intake', `2026-01-01T06:00:00Z radio ${SEALED}\n2026-01-02T06:00:00Z radio ${SEALED}\n`, true);
  await until(async () => (await api.get(`/devices/${device.id}/frames`)).items.length === 2, 'the kept telegrams');

  await open(page, server, '/settings/keys');
  await page.getByRole('button', { name: 'Check' }).click();
  tap.match(await page.getByRole('alert').textContent(), /key file/, 'an empty file is caught before it is sent');
  await page.getByLabel('Key file', { exact: true }).fill(`serial;key\n12345678;${KEY}\n99999999;${KEY}\n12345678;12\n`);
  await page.getByRole('button', { name: 'Check' }).click();
  await page.locator('.keys-rows').waitFor();
  tap.match(await page.getByText('Nothing is set yet').textContent(), /New: 1.*Unknown meter: 1.*Not readable: 1/, 'the preview counts what each row does');
  tap.ok(await page.locator('.keys-rows').getByRole('link', { name: 'sealed gas meter' }).count() === 1, 'and names the meter');
  tap.ok(await page.getByRole('button', { name: 'Set 1 key' }).isDisabled(), 'a file with a row that cannot be read is not set by accident');
  await page.getByLabel('Leave out 1 row that cannot be read').check();
  await page.getByRole('button', { name: 'Set 1 key' }).click();
  // Other subjects have left telegrams that wait, and may have them looked through once more: the last run need not be ours.
  await until(async () => (await api.get(`/devices/${device.id}/readings`)).total === 2, 'the readings');
  await page.getByText(/(\d+) of \1 telegrams/).waitFor();
  await page.locator('[role=progressbar][aria-valuenow="100"]').waitFor();
  tap.ok(true, 'the telegrams that waited are decoded, with a progress bar');
  tap.ok(!(await page.content()).includes(KEY), 'the key is nowhere on the page any more');

  await page.getByRole('button', { name: 'Add default key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('factory');
  await dialog.getByLabel('Key', { exact: false }).last().fill('00');
  await dialog.getByRole('button', { name: 'Add default key' }).click();
  tap.match(await dialog.getByRole('alert').textContent(), /32 hex digits/, 'a short key is refused at its field');
  await dialog.getByLabel('Key', { exact: false }).last().fill(KEY);
  await dialog.getByRole('button', { name: 'Add default key' }).click();
  await page.getByRole('row', { name: /factory/ }).waitFor();
  tap.ok(!(await page.content()).includes(KEY), 'a default key is listed by its name alone');
  await page.getByRole('button', { name: 'Remove factory' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No default keys').waitFor();
  tap.ok(true, 'and can be removed');

  await open(page, server, `/devices/${device.id}?tab=readings`);
  tap.equal((await api.get(`/devices/${device.id}/readings`)).items.map((r) => r.time), ['2026-01-02T06:00:00Z', '2026-01-01T06:00:00Z'], 'the readings have their original times');
  await removeShown(page, api, device);
  tap.equal(unexpected(admin), [], 'the keys page leaves no console error and no CSP report');
  await page.close();
}
