// The server is killed and comes back; the session ends while someone works.
import { open, unexpected } from './harness.mjs';
import { ADMIN } from './first-run.mjs';

async function killed({ tap, server, admin, device }) {
  const page = await admin.newPage();
  await open(page, server, '/lines');
  await open(page, server, `/devices/${device.id}`);
  await page.locator('.values-table').first().waitFor();
  const other = await admin.newPage();
  await open(other, server, '/devices');
  await server.stop('SIGKILL');
  await other.locator('.nav').getByRole('link', { name: 'Jobs' }).click();
  await other.locator('.empty', { hasText: 'The server cannot be reached' }).waitFor();
  tap.ok(true, 'a page that was not loaded before says why it cannot be');
  await other.close();
  await page.locator('.banner', { hasText: 'No connection to the server since' }).waitFor();
  tap.ok(true, 'a killed server shows a banner with the time');
  tap.ok(await page.locator('.values-table').first().isVisible(), 'the last values stay on screen');
  tap.equal(await page.locator('.live-value').first().evaluate((el) => getComputedStyle(el).fontStyle), 'italic', 'and are marked as possibly old');
  await page.locator('.nav').getByRole('link', { name: 'Lines' }).click();
  await page.getByText('The server cannot be reached').first().waitFor();
  tap.ok(true, 'a page that cannot load says so');
  await server.start();
  await page.locator('.banner').waitFor({ state: 'detached' });
  tap.ok(true, 'the banner goes when the server is back');
  await page.locator('tbody tr').first().waitFor();
  tap.ok(true, 'the page loads by itself, still signed in');
  await page.locator('.top-live', { hasText: 'Live' }).waitFor();
  tap.ok(true, 'live events come again');
  unexpected(admin);
  await page.close();
}

/** Asked too early, or cut off in the middle: the page asks again without a click. */
async function refusedOnce({ tap, server, admin }) {
  const page = await admin.newPage();
  const answers = [
    { status: 503, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json', body: '{"title":"Not available now","code":"BUSY","detail":"The store is starting"}' },
    { status: 200, contentType: 'application/json', body: '{"items":[{"id":' },
  ];
  // No answer before what the last one led to has been seen: each is on the page only until the next.
  let seen;
  let gate = Promise.resolve();
  const hold = () => { gate = new Promise((done) => { seen = done; }); };
  await page.route((url) => url.pathname === '/api/v1/lines', async (route) => {
    await gate;
    hold();
    const answer = answers.shift();
    return answer ? route.fulfill(answer) : route.continue();
  });
  await page.goto(`${server.url}/lines`);
  await page.getByText('The store is starting').waitFor();
  tap.ok(true, 'a server that is not ready yet says so on the page');
  seen();
  await page.getByText('The server cannot be reached').first().waitFor();
  tap.ok(true, 'it is asked again by itself, and half an answer is none');
  seen();
  await page.locator('tbody tr').first().waitFor();
  tap.ok(true, 'and again, until the page is there');
  unexpected(admin);
  await page.close();
}

async function offline({ tap, server, browser }) {
  // With its service worker the application opens without a server, and says what is missing.
  const context = await browser.person({ serviceWorkers: 'allow' });
  const page = await context.newPage();
  await page.goto(server.url + '/');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.reload();
  await page.waitForFunction(() => !!navigator.serviceWorker.controller);
  await server.stop('SIGKILL');
  await page.reload();
  await page.getByText('The server does not answer').waitFor();
  tap.ok(true, 'without a server the installed application opens and says so');
  await server.start();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  tap.ok(true, 'and goes on by itself when the server is back');
  const cached = await page.evaluate(async () => { const out = []; for (const key of await caches.keys()) for (const r of await (await caches.open(key)).keys()) out.push(new URL(r.url).pathname); return out; });
  tap.ok(cached.length > 10 && !cached.some((p) => p.startsWith('/api/')), 'the cache holds the shell and nothing of the API', cached.filter((p) => p.startsWith('/api/')).join('\n'));
  await context.close();
}

/** One question is never answered, while another beside it is: it is asked again and again, but not in a loop. */
async function halfAway({ tap, server, admin }) {
  const page = await admin.newPage();
  const asked = [];
  const thrice = new Promise((resolve) => {
    void page.route('**/api/v1/forgotten', (route) => { if (asked.push(performance.now()) === 3) resolve(); return route.abort(); });
  });
  await open(page, server, '/settings/forgotten');
  await page.getByText('What was forgotten could not be loaded').waitFor();
  await thrice;
  // The second time comes at once, for the server has just been found.
  tap.ok(asked[2] - asked[1] > 1000, 'what fails beside what does not is not asked again at once', `after ${asked.map((x) => Math.round(x - asked[0]))} ms`);
  await page.close();
  unexpected(admin, [/ERR_FAILED/]);
}

async function expired({ tap, server, browser, device }) {
  const context = await browser.person();
  const page = await context.newPage();
  await page.goto(`${server.url}/devices/${device.id}?tab=data`);
  await page.getByLabel('User name').fill(ADMIN.login);
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Town').fill('Thermopolis Nova');
  await context.clearCookies();
  await page.getByRole('button', { name: 'Save' }).click();
  const overlay = page.getByRole('dialog', { name: 'Your session has ended' });
  await overlay.waitFor();
  tap.ok(true, 'an ended session asks to sign in on top of the work');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Escape');
  // Browsers close it at the second Escape, unasked; a moment later it is there again.
  tap.ok(await overlay.waitFor().then(() => true, () => false), 'and stays, however often Escape is pressed');
  tap.equal(await overlay.getByLabel('User name').inputValue(), ADMIN.login, 'it knows who was here');
  await overlay.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await overlay.getByRole('button', { name: 'Sign in', exact: true }).click();
  await overlay.waitFor({ state: 'detached' });
  await page.locator('.facts-wide', { hasText: 'Thermopolis Nova' }).waitFor();
  tap.ok(true, 'what was typed is saved afterwards');
  tap.equal(unexpected(context, [/status of 401/]), [], 'nothing but the refused requests is in the console');
  await context.close();
}

export async function run(world) {
  await killed(world);
  await refusedOnce(world);
  await halfAway(world);
  await expired(world);
  await offline(world);
}
