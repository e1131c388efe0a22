// Readings of a span of time wiped for ever, the proof of it, and the backups that still have them: named, then replaced.
import { open, settled, until } from './harness.mjs';

const PAGE = '/settings/forgotten';
const REPLACE = 'Make a new backup and remove these';
const plain = (text) => text.replace(/[\s\u00a0\u202f]+/g, ' ').trim();

async function nothingYet(tap, page, server) {
  await open(page, server, PAGE);
  tap.ok(await page.getByRole('heading', { name: 'Nothing was forgotten' }).isVisible(), 'as long as nothing was forgotten the page says what this is for');
}

/** The form on the page of a meter: each refusal at its field, and a word before it begins. */
async function ask(tap, page, server, device) {
  await open(page, server, `/devices/${device.id}?tab=data`);
  await page.getByRole('button', { name: 'Forget readings' }).click();
  const form = page.getByRole('dialog', { name: `Forget readings of ${device.name}` });
  const send = form.getByRole('button', { name: 'Forget for ever' });
  const refused = async (text) => { await send.click(); await form.getByRole('alert').getByText(text).waitFor(); };
  await refused('Enter date and time.');
  await form.getByLabel(/^From/).fill('2024-06-01T00:00');
  await form.getByLabel(/^To/).fill('2024-01-01T00:00');
  await refused('Must be later than the beginning.');
  await form.getByLabel(/^To/).fill('2024-07-01T00:00');
  await refused('Say why.');
  await form.getByLabel('Reason').fill('Request 12');
  await refused('Confirm that the readings go.');
  tap.ok(true, 'what is missing is said at its field, and that it is for ever has to be confirmed');
  await form.getByLabel('The readings cannot be brought back').check();
  await send.click();
  await page.waitForURL(`**${PAGE}`);
}

async function proof(tap, page, api, device) {
  const card = page.getByRole('region', { name: `Forgotten: ${device.name}` });
  await card.getByRole('button', { name: REPLACE }).waitFor();
  tap.match(plain(await card.textContent()), /Wiped2024-06-01 00:00 to 2024-07-01 00:00Asked for.*, Anna BergReasonRequest 12Gone from the files/, 'the proof says what span, who asked, when and why');
  const [request] = (await api.get('/forgotten')).items;
  const rows = await card.getByRole('row').filter({ hasText: 'Whole' }).allTextContents();
  tap.ok(rows.length === request.backups.length && request.backups.every((b) => rows.some((r) => r.includes(b.name))), 'each backup that still has the readings is named', rows.join('\n'));
  tap.ok(rows.every((r) => /Goes by itself: \d{4}-\d\d-\d\d/.test(plain(r))), 'and when it goes by itself', rows.join('\n'));
  return request;
}

async function replace(tap, page, api, server, request) {
  // A backup of the second in which the wiping ended would look as old as those it replaces.
  await until(async () => Date.parse((await api.get('/status')).time) > Date.parse(request.ended) + 1000, 'the next second');
  await page.getByRole('button', { name: REPLACE }).click();
  const dialog = page.getByRole('dialog', { name: REPLACE });
  tap.match(await dialog.textContent(), /only then.*removed.*whole plant, all tenants/i, 'before it begins it says that it is about the whole plant');
  await page.route('**/replace-backups', (r) => r.fulfill({ status: 409, contentType: 'application/problem+json', body: '{"status":409,"detail":"a backup is being made; wait until it is there"}' }));
  const go = dialog.getByRole('button', { name: /^Make a backup, remove \d/ });
  await go.click();
  await dialog.getByRole('alert').getByText('a backup is being made').waitFor();
  tap.ok(true, 'what the server refuses is said in the dialog');
  await page.unroute('**/replace-backups');
  await go.click();
  await page.getByText('In no backup of this server').waitFor();
  await page.getByText('No backup of this server has these readings any more.').waitFor();
  const left = (await api.get('/backups')).items;
  tap.ok(left.length === 1 && !request.backups.some((b) => b.name === left[0].name), 'the older backups are gone, a new one is there', JSON.stringify(left));
  await open(page, server, '/settings/audit');
  const row = page.locator('.grid-row', { hasText: 'Older backups replaced' });
  await row.waitFor();
  tap.equal(await row.getByRole('link').getAttribute('href'), PAGE, 'the audit log says so, and leads to it');
  const asked = page.locator('.grid-row', { hasText: 'Readings forgotten' });
  tap.match(await asked.getByRole('link').textContent(), /old meter/, 'the audit log names the device');
}

/** Without the right there is no button; a backup that fails says why; a list that cannot be loaded, too. */
async function otherwise(tap, page, server) {
  await page.route('**/api/v1/session', async (r) => {
    const answer = await r.fetch();
    const session = await answer.json();
    await r.fulfill({ response: answer, json: { ...session, permissions: session.permissions.filter((p) => p !== 'backup.remove') } });
  });
  await page.route('**/api/v1/backups', async (r) => {
    const answer = await r.fetch();
    await r.fulfill({ response: answer, json: { ...await answer.json(), last_status: 'FULL', last_error: '/mnt/backup: no space left' } });
  });
  await open(page, server, PAGE);
  tap.equal(await page.getByRole('button', { name: REPLACE }).count(), 0, 'without the right nobody is offered to remove backups');
  tap.match(plain(await page.getByRole('alert').textContent()), /older ones are still there: \/mnt\/backup: no space left/, 'a backup that fails is said, and that the older ones are left');
  await page.unroute('**/api/v1/session');
  await page.unroute('**/api/v1/backups');
  await page.route('**/api/v1/forgotten', (r) => r.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"status":500,"detail":"The disk said no."}' }));
  await open(page, server, PAGE);
  tap.match(await page.getByRole('alert').textContent(), /could not be loaded.*The disk said no/, 'a list that cannot be loaded says why');
  await page.unroute('**/api/v1/forgotten');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: REPLACE }).waitFor();
  await settled(page);
}

/** On a server that has backups and a device with readings. */
export async function forgetting(tap, page, api, server, device, looks) {
  await nothingYet(tap, page, server);
  await ask(tap, page, server, device);
  const request = await proof(tap, page, api, device);
  await looks('forgotten');
  await otherwise(tap, page, server);
  await replace(tap, page, api, server, request);
}
