// Users and tokens through the browser; what a reader sees, and what a reader is refused.
import { open, settled, unexpected } from './harness.mjs';

const READER = { login: 'rune', name: 'Rune Holm', password: 'reads but never writes' };

async function users({ tap, server }, page) {
  await open(page, server, '/settings/users');
  await page.getByRole('button', { name: 'Add user' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add user' });
  await dialog.getByLabel('User name').fill('anna');
  await dialog.getByLabel('Password', { exact: true }).fill(READER.password);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').waitFor();
  tap.ok((await dialog.getByRole('alert').textContent()).length > 10, 'a name that exists is refused in words');
  await dialog.getByLabel('User name').fill(READER.login);
  await dialog.getByLabel('Name', { exact: true }).fill(READER.name);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('row', { name: /rune/ }).waitFor();
  tap.match(await page.getByRole('row', { name: /rune/ }).textContent(), /Reader/, 'a reader is added');

  await open(page, server, '/settings/tokens');
  await page.getByRole('button', { name: 'Add token' }).first().click();
  await page.getByRole('dialog').getByLabel('Name').fill('billing export');
  await page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click();
  const secret = await page.locator('.secret').textContent();
  tap.match(secret, /^hyp_/, 'a token is shown once');
  const res = await page.request.fetch(`${server.url}/api/v1/devices?limit=1`, { headers: { Authorization: `Bearer ${secret}`, Cookie: '' } });
  tap.equal(res.status(), 200, 'the token opens the API');
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('row', { name: /billing export/ }).waitFor();
  tap.ok(!(await page.content()).includes(secret), 'afterwards the secret is nowhere on the page');
  await open(page, server, '/settings/audit');
  await page.locator('.grid-row:not([hidden])').first().waitFor();
  const log = await page.locator('.grid-row:not([hidden])').allTextContents();
  tap.ok(log.some((l) => /User added/.test(l) && /rune/.test(l)), 'the audit log says who added whom', log.slice(0, 4).join('\n'));
  tap.ok(!log.some((l) => l.includes(READER.password)), 'the audit log has no password');
}

async function reader(world) {
  const { tap, server, browser, device } = world;
  const context = await browser.person();
  const page = await context.newPage();
  await page.goto(server.url + '/');
  await page.getByLabel('User name').fill(READER.login);
  await page.getByLabel('Password', { exact: true }).fill(READER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await open(page, server, `/devices/${device.id}`);
  tap.equal(await page.getByRole('button', { name: 'Read now' }).count(), 0, 'a reader sees no "Read now"');
  await open(page, server, `/devices/${device.id}?tab=data`);
  tap.equal(await page.getByRole('button', { name: /Edit|Delete/ }).count(), 0, 'a reader sees no edit or delete');
  await open(page, server, `/devices/${device.id}?tab=consumption`);
  await page.getByRole('heading', { name: 'Exchanges, resets and settlement' }).waitFor();
  tap.equal(await page.locator('.counting').getByRole('button').count(), 0, 'a reader sees exchanges and settlement, and changes none');
  await open(page, server, '/lines');
  tap.equal(await page.getByRole('button', { name: 'Add line' }).count(), 0, 'a reader sees no "Add line"');
  await open(page, server, '/settings');
  tap.equal(await page.locator('.settings-tabs .tab').count(), 1, 'a reader has only the own settings');
  for (const path of ['/settings/users', '/settings/tokens', '/settings/data', '/settings/forgotten', '/settings/audit', '/devices/new']) {
    await open(page, server, path);
    tap.ok(await page.getByRole('heading', { name: 'Not allowed' }).isVisible(), `${path} refuses a reader decently`);
  }
  tap.equal(unexpected(context), [], 'a reader meets no console error');
  const session = await (await context.request.get(`${server.url}/api/v1/session`)).json();
  const refused = await context.request.post(`${server.url}/api/v1/devices/${device.id}/read`, { headers: { 'X-CSRF-Token': session.csrf } });
  tap.equal(refused.status(), 403, 'the server refuses what the page does not offer');
  await context.close();
}

export async function run(world) {
  const page = await world.admin.newPage();
  await users(world, page);
  await settled(page);
  world.tap.equal(unexpected(world.admin, [/status of 409/, /status of 400/, /status of 422/]), [], 'managing people leaves no console error and no CSP report');
  await page.close();
  await reader(world);
}
