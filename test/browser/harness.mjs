// A server, a simulated town and a browser for the tests: started on free ports with fresh data,
// ended with the tests. Checks are printed as TAP.
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const fromWeb = createRequire(join(root, 'web/package.json'));
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((p) => existsSync(p));

/** Why the tests cannot run here, or null. */
export function obstacle() {
  if (!CHROMIUM) return 'chromium is not installed';
  try { fromWeb.resolve('playwright-core'); } catch { return 'web/node_modules is missing: run tools/build-web'; }
  return null;
}

/** The subject that is running, also where several do side by side: its last check and its browser windows. */
const subject = new AsyncLocalStorage();
const running = new Set();
export async function asSubject(name, run) {
  const of = { name, last: null, contexts: [] };
  running.add(of);
  try { return await subject.run(of, run); } finally { running.delete(of); }
}
/** For those who end the tests before they have ended. */
export const whereabouts = () => [...running].map((of) => `${of.name} was running, after the check: ${of.last ?? 'none of it'}`);

export class Tap {
  constructor() { this.count = 0; this.faults = []; }
  get failed() { return this.faults.length; }
  ok(good, name, detail = '') {
    this.count++;
    const of = subject.getStore();
    const line = `${good ? 'ok' : 'not ok'} ${this.count} - ${name.replace(/#/g, 'no.')}`;
    console.log(line);
    if (of) of.last = `${this.count} - ${name}`;
    if (good) return true;
    const more = detail === '' ? [] : String(detail).split('\n').slice(0, 40).map((x) => `# ${x}`);
    for (const x of more) console.log(x);
    this.faults.push([line, ...more]);
    return false;
  }
  equal(actual, wanted, name) { return this.ok(JSON.stringify(actual) === JSON.stringify(wanted), name, `is ${JSON.stringify(actual)}, should be ${JSON.stringify(wanted)}`); }
  match(text, pattern, name) { return this.ok(pattern.test(String(text)), name, `${JSON.stringify(text)} does not match ${pattern}`); }
  note(text) { console.log(`# ${text}`); }
  /** What failed is said once more: whoever shows only the end of a log has it. */
  end() {
    for (const fault of this.faults) for (const line of fault) this.note(line.replace(/^# /, '  '));
    console.log(`1..${this.count}`);
    return this.failed === 0 ? 0 : 1;
  }
}

/** How long anything may take, in ms: it ends tests that hang, it never judges speed. */
export const PATIENCE = 120_000;

/** Asks until the answer is true; the deadline only ends a broken test. */
export async function until(question, what, seconds = PATIENCE / 1000) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((done) => setTimeout(done, 40));
  }
}

const isFree = (port) => new Promise((done) => {
  const probe = createServer();
  probe.on('error', () => done(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
});

/** Below the ports that systems give to outgoing connections: nobody gets it by chance while a server restarts. */
export async function freePort() {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port)) return port;
  }
}

const folders = [];
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'hyp-browser-'));
  folders.push(path);
  return path;
}

const children = new Set();
function start(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.text = '';
  child.stdout.on('data', (d) => { child.text += d; });
  child.stderr.on('data', (d) => { child.text += d; });
  child.ended = new Promise((done) => child.on('exit', (code, signal) => { child.gone = true; children.delete(child); done(code ?? signal); }));
  children.add(child);
  return child;
}

export function endAll() {
  for (const child of children) child.kill('SIGKILL');
  for (const path of folders) rmSync(path, { recursive: true, force: true });
}

export class Town {
  async start(...options) {
    const file = join(folder(), 'town.json');
    this.child = start(process.env.HYPOCAUST_SIM ?? join(root, 'build/hypocaust-sim'), ['serve', '--town', 'default', '--ports-file', file, '--latency-ms', '5', ...options]);
    await until(() => this.child.gone || existsSync(file), 'the simulated town');
    if (this.child.gone) throw new Error(`the simulator ended at once:\n${this.child.text}`);
    this.file = file;
    this.manifest = JSON.parse(readFileSync(file, 'utf8'));
    return this;
  }
  line(name) { return this.manifest.lines.find((l) => l.name === name); }
  async stop() { this.child.kill('SIGTERM'); await this.child.ended; }
}

export class Server {
  constructor() { this.data = folder(); }
  /** Starts it, later again on the same port; the first time somebody may be quicker to take that. */
  async start(...options) {
    const first = this.port === undefined;
    for (let left = first ? 5 : 1; ; left--) {
      if (first) this.port = await freePort();
      try { return await this.startOnce(options); }
      catch (e) { if (left === 1 || !/in use/i.test(e.message)) throw e; }
    }
  }
  async startOnce(options) {
    const web = process.env.HYP_WEB_DIST ?? join(root, 'web/dist');
    this.child = start(process.env.HYPOCAUST ?? join(root, 'build/hypocaust'), ['serve', '--data', this.data, '--port', String(this.port), '--web-dir', web, ...options]);
    await until(() => this.child.gone || /hypocaust: https?:\/\//.test(this.child.text), 'the ready line');
    if (this.child.gone) throw new Error(`the server ended at once:\n${this.child.text}`);
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }
  /** The one-time link printed at the first start. */
  async setupPath() {
    await until(() => /\/#\/setup\?token=\S+/.test(this.child.text), 'the set-up link');
    return /\/#\/setup\?token=[^\s]+/.exec(this.child.text)[0];
  }
  async stop(signal = 'SIGTERM') { this.child.kill(signal); return this.child.ended; }
}

/** The page asks for its session where this browser has signed in before. */
export const rememberSignIn = (context) => context.addInitScript(() => { try { localStorage.setItem('hyp.signedIn', 'true'); } catch { /* about:blank has none */ } });

/** The administrator of a server that was just started for the first time. */
export async function firstAdmin(browser, server, options) {
  const token = /token=(\S+)/.exec(await server.setupPath())[1];
  const context = await browser.person(options);
  const answer = await context.request.post(`${server.url}/api/v1/setup`, { data: { token, login: 'anna', name: 'Anna Berg', password: 'correct horse battery', language: 'en', time_zone: 'Europe/Copenhagen' } });
  if (!answer.ok()) throw new Error(`setup: ${answer.status()} ${await answer.text()}`);
  await rememberSignIn(context);
  return context;
}

/** JSON calls with a browser context's own cookies, for what the tests only prepare. */
export class Api {
  constructor(server, request) { this.server = server; this.request = request; }
  async call(method, path, body, text = false) {
    const session = await (await this.request.get(`${this.server.url}/api/v1/session`)).json();
    const res = await this.request.fetch(`${this.server.url}/api/v1${path}`, {
      method, headers: { 'X-CSRF-Token': session.csrf, ...(body === undefined ? {} : { 'Content-Type': text ? 'text/plain' : 'application/json' }) },
      ...(body === undefined ? {} : { data: text ? body : JSON.stringify(body) }), timeout: PATIENCE,
    });
    if (!res.ok()) throw new Error(`${method} ${path}: ${res.status()} ${await res.text()}`);
    return res.status() === 204 ? null : res.json();
  }
  get(path) { return this.call('GET', path); }
  post(path, body) { return this.call('POST', path, body); }
}

/** Chromium with pages that remember what they complained about. */
export class Browser {
  async start() {
    const { chromium } = fromWeb('playwright-core');
    this.browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
    this.axe = readFileSync(fromWeb.resolve('axe-core/axe.min.js'), 'utf8');
    return this;
  }
  /** A person's browser: own cookies and storage. */
  async person(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light', reducedMotion: 'reduce', serviceWorkers: 'block', acceptDownloads: true, ...options });
    context.setDefaultTimeout(PATIENCE);
    context.complaints = [];
    subject.getStore()?.contexts.push(context);
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
    });
    context.on('page', (page) => {
      page.on('console', (m) => { if (m.type() === 'error') context.complaints.push({ url: page.url(), text: `${m.text()} ${m.location().url}` }); });
      page.on('pageerror', (e) => context.complaints.push({ url: page.url(), text: `exception ${e.message}` }));
    });
    return context;
  }
  async stop() { await this.browser?.close(); }
}

/** Complaints that no test provoked; a refused request that a test wants is named by its pattern. */
export function unexpected(context, allowed = []) {
  const left = context.complaints.filter((c) => !allowed.some((a) => a.test(c.text)));
  context.complaints.length = 0;
  return [...new Set(left.map((c) => `${c.url}: ${c.text}`))].slice(0, 20);
}

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/**
 * What axe finds on a page at rest. A list dims while new rows are on their way, and that may happen
 * under the hands of the check: what is gone once the page is at rest again was no fault of it.
 */
export async function axeViolations(browser, page, runOnly = AXE_TAGS) {
  let found = [];
  for (let tries = 0; tries < 3; tries++) {
    await settled(page);
    // Through the debugger, not a <script>: the page's own content security policy stays in force.
    if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(browser.axe);
    found = await page.evaluate(async (only) => {
      const r = await globalThis.axe.run(document, { runOnly: only, resultTypes: ['violations'] });
      return r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 4).map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
    }, runOnly);
    if (found.length === 0) break;
  }
  return found;
}

/** The page has come to rest: no skeletons, no stale table, fonts there. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"], .grid-stale, .thin-bar'), undefined, { timeout: PATIENCE });
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
}

export async function open(page, server, path) {
  await page.goto(server.url + path);
  await settled(page);
}

/** Follows a link to `path` as a person would: the application stays, its page changes. */
export async function visit(page, path) {
  await page.evaluate(async (href) => {
    const a = document.createElement('a');
    a.href = href;
    document.body.append(a);
    a.click();
    a.remove();
    // Drawn: what the page still waits for is marked from here on.
    for (let i = 0; i < 2; i++) await new Promise((done) => requestAnimationFrame(done));
    // What a component does after its picture comes in a task of its own.
    await new Promise((done) => setTimeout(done));
  }, path);
  await settled(page);
}

/** Two keys one after the other that lead to `there`; pressed again where the machine took too long between them. */
export async function chord(page, first, second, there) {
  await until(async () => {
    await page.keyboard.press(first);
    await page.keyboard.press(second);
    return page.waitForURL(there, { timeout: 5000 }).then(() => true, () => false);
  }, `${first} ${second}`);
}

/** What there is to see when a subject of the tests breaks off: the check before, the windows, a picture of each. */
export async function scene(browser) {
  const of = subject.getStore();
  const out = [`after the check: ${of.last ?? 'none of this subject'}`];
  for (const [i, page] of browser.browser.contexts().flatMap((c) => c.pages()).entries()) {
    out.push(`window ${page.url()}`);
    const text = await page.evaluate(() => document.body.innerText.replace(/\s+/g, ' ').slice(0, 600)).catch((e) => e.message.split('\n')[0]);
    out.push(`  says ${text}`);
    if (!process.env.HYP_SHOTS) continue;
    const path = join(process.env.HYP_SHOTS, `broken-${of.name}-${i}.png`);
    out.push(`  ${await page.screenshot({ path, timeout: 20_000 }).then(() => path, (e) => e.message.split('\n')[0])}`);
  }
  return out.join('\n');
}

/** Closes what the running subject has opened, after it broke off. */
export async function closeWindows(admin) {
  const { contexts } = subject.getStore();
  for (const context of contexts.filter((c) => c !== admin)) await context.close().catch(() => undefined);
  for (const page of admin?.pages() ?? []) await page.close().catch(() => undefined);
  if (admin) admin.complaints.length = 0;
}

/** Another browser of the administrator: own storage, the same session. */
export async function withSession(world, options) {
  const context = await world.browser.person(options);
  await context.addCookies(await world.admin.cookies());
  await rememberSignIn(context);
  return context;
}

/** Removes a device that a page shows: the page is left first, or it may ask once more for what is gone. */
export async function removeShown(page, api, device) {
  await page.goto('about:blank');
  await api.call('DELETE', `/devices/${device.id}`);
}
