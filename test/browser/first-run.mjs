// First run, sign-in, wrong password, empty states.
import { Api, open, settled, unexpected } from './harness.mjs';

export const essential = true;
export const ADMIN = { login: 'anna', name: 'Anna Berg', password: 'warm floors since 80 BC' };

async function setUp({ tap, server }, page) {
  await page.goto(server.url + '/');
  await page.getByRole('heading', { name: 'Set up Hypocaust' }).waitFor();
  tap.ok(await page.getByLabel('Set-up code').isVisible(), 'a new server asks for set-up and its code');

  const link = await server.setupPath();
  await page.goto(server.url + link);
  await page.getByLabel('Set-up code').waitFor({ state: 'detached' });
  tap.ok(true, 'the printed link is taken where the page is open already');
  await page.goto('about:blank');
  await page.goto(server.url + link);
  await page.getByRole('heading', { name: 'Set up Hypocaust' }).waitFor();
  tap.ok(!(await page.getByLabel('Set-up code').isVisible()), 'the printed link carries the code');
  await page.getByLabel('Your name').fill(ADMIN.name);
  await page.getByLabel('User name').fill(ADMIN.login);
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Create administrator' }).click();
  tap.match(await page.getByRole('alert').first().textContent(), /at least 10 characters/, 'a short password is refused at its field');
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.getByLabel('Password again').fill('something else');
  await page.getByRole('button', { name: 'Create administrator' }).click();
  tap.match(await page.getByRole('alert').first().textContent(), /differ/, 'two different passwords are refused');
  await page.getByLabel('Password again').fill(ADMIN.password);
  await page.getByLabel('Time zone of the site').selectOption('Europe/Copenhagen');
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  tap.equal(new URL(page.url()).pathname, '/', 'the first administrator lands on the overview');
  tap.ok(!page.url().includes('token'), 'the code is gone from the address bar');
}

async function signIn({ tap, server }, page) {
  await page.getByRole('button', { name: /Signed in as/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  tap.ok(true, 'signing out leads to the sign-in page');

  const answers = [];
  for (const login of [ADMIN.login, 'nobody']) {
    await page.getByLabel('User name').fill(login);
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    answers.push(await page.getByRole('alert').textContent());
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  }
  tap.equal(answers, ['User name or password is not right.', 'User name or password is not right.'], 'a wrong password says the same for known and unknown people');
  await page.getByLabel('User name').fill(ADMIN.login);
  await page.getByRole('button', { name: 'Sign in' }).click();
  tap.match(await page.getByRole('alert').textContent(), /Enter user name and password/, 'an empty password is caught before it is sent');

  await page.goto(server.url + '/devices?state=failing');
  await page.getByLabel('User name').fill(ADMIN.login);
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
  tap.match(page.url(), /\/devices\?state=failing$/, 'after sign-in the asked-for page is shown');
}

async function emptyStates({ tap, server }, page) {
  const rows = [
    ['/', 'No devices added', 'Add device'], ['/devices', 'No devices added', 'Add device'], ['/devices?kind=hca', 'No devices match', 'Clear filters'], ['/lines', 'No lines added', 'Add line'],
    ['/frames', 'No telegrams stored', 'Paste telegram'], ['/jobs', 'No jobs', null], ['/settings/tokens', 'No tokens added', 'Add token'], ['/chart', 'Add a series to start', 'Add series'],
  ];
  for (const [path, heading, action] of rows) {
    await open(page, server, path);
    const empty = page.locator('.empty', { hasText: heading });
    await empty.waitFor();
    const there = action === null || await empty.getByText(action).count() > 0;
    tap.ok(there, `${path}: "${heading}" says what to do next`);
  }
  await open(page, server, '/nowhere');
  tap.ok(await page.getByText('Page not found').isVisible(), 'an unknown address says so');
  await open(page, server, '/devices/4711');
  tap.ok(await page.getByText('Not found', { exact: true }).isVisible(), 'an unknown device says so');
}

export async function run(world) {
  const context = await world.browser.person();
  const page = await context.newPage();
  await setUp(world, page);
  await settled(page);
  world.tap.equal(unexpected(context, [/40[13]/]), [], 'first run leaves no console error and no CSP report');
  await signIn(world, page);
  world.tap.equal(unexpected(context, [/status of 401/, /status of 429/]), [], 'signing in leaves no other console error');
  await emptyStates(world, page);
  world.tap.equal(unexpected(context, [/status of 404/]), [], 'empty pages leave no console error');
  world.admin = context;
  world.api = new Api(world.server, context.request);
  await page.close();
}
