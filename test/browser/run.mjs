// Browser tests against the real server and the simulated town. Prints TAP; one file per subject,
// in the order in which a new installation meets them.
import { asSubject, Browser, closeWindows, endAll, obstacle, scene, Server, Tap, Town, whereabouts, withSession } from './harness.mjs';
import * as firstRun from './first-run.mjs';
import * as building from './building.mjs';
import * as reading from './reading.mjs';
import * as inspecting from './inspecting.mjs';
import * as keys from './keys.mjs';
import * as consumption from './consumption.mjs';
import * as history from './history.mjs';
import * as tally from './tally.mjs';
import * as charting from './charting.mjs';
import * as keeping from './keeping.mjs';
import * as roles from './roles.mjs';
import * as pages from './pages.mjs';
import * as access from './access.mjs';
import * as outage from './outage.mjs';
import * as scanning from './scanning.mjs';
import * as scale from './scale.mjs';

// One step after the other; the lanes of a step go side by side, each with its own browser windows.
// Scanning, tally and most of keeping have a server of their own. While outage stops the common one,
// nobody else may need it. Ten thousand devices come last: a server restarts faster without them.
const STEPS = [
  [{ firstRun, building, reading }, { scanning }],
  [{ inspecting, keys, consumption, history, roles, access }, { pages, keeping, charting }],
  [{ outage }, { tally }], [{ scale }],
];

/** Runs a subject; false when nothing after it makes sense. */
const run = (name, subject, world) => asSubject(name, async () => {
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  try {
    await subject.run(world);
    world.tap.note(`${name}: ${seconds()}`);
  } catch (e) {
    world.tap.ok(false, `${name} runs to its end`, `after ${seconds()}\n${e.stack}\n${await scene(world.browser)}`);
    await closeWindows(world.admin);
    return !subject.essential;
  }
  return true;
});

async function lane(subjects, world) {
  for (const [name, subject] of Object.entries(subjects)) if (!await run(name, subject, world)) return false;
  return true;
}

/** The world of a lane: the first has the common one, to which it may add; there is no administrator before the first run. */
const ownWorld = async (world, index) => (index === 0 ? world : { ...world, admin: world.admin && await withSession(world) });

async function main() {
  const why = obstacle();
  if (why) { console.log(`1..0 # SKIP ${why}`); return 0; }
  const tap = new Tap();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      tap.ok(false, `nobody ends the tests before their time (${signal})`, whereabouts().join('\n'));
      endAll();
      process.exit(tap.end());
    });
  }
  const world = { tap, server: new Server(), town: new Town(), browser: new Browser() };
  try {
    await Promise.all([world.server.start(), world.town.start(), world.browser.start()]);
    for (const lanes of STEPS) {
      const going = await Promise.all(lanes.map(async (subjects, index) => lane(subjects, await ownWorld(world, index))));
      if (going.includes(false)) break;
    }
  } finally {
    await world.browser.stop().catch(() => undefined);
    if (tap.failed && world.server.child) tap.note(`server said:\n# ${world.server.child.text.split('\n').slice(-25).join('\n# ')}`);
    endAll();
  }
  return tap.end();
}

process.exitCode = await main();
