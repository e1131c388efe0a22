// Browser tests against the real server and the simulated town. Prints TAP; one file per subject,
// in the order in which a new installation meets them.
import { Browser, endAll, obstacle, Server, Tap, Town } from './harness.mjs';
import * as firstRun from './first-run.mjs';
import * as building from './building.mjs';
import * as reading from './reading.mjs';
import * as inspecting from './inspecting.mjs';
import * as roles from './roles.mjs';
import * as pages from './pages.mjs';
import * as access from './access.mjs';
import * as outage from './outage.mjs';
import * as scanning from './scanning.mjs';
import * as scale from './scale.mjs';

// Ten thousand devices come last: a server restarts faster without them.
const SUBJECTS = { firstRun, building, reading, inspecting, roles, pages, access, outage, scanning, scale };

async function main() {
  const why = obstacle();
  if (why) { console.log(`1..0 # SKIP ${why}`); return 0; }
  const tap = new Tap();
  const world = { tap, server: new Server(), town: new Town(), browser: new Browser() };
  try {
    await Promise.all([world.server.start(), world.town.start(), world.browser.start()]);
    for (const [name, subject] of Object.entries(SUBJECTS)) {
      tap.note(`--- ${name}`);
      const began = performance.now();
      try {
        await subject.run(world);
        tap.note(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
      } catch (e) {
        tap.ok(false, `${name} runs to its end`, e.stack);
        if (subject.essential) break;
      }
    }
  } finally {
    await world.browser.stop().catch(() => undefined);
    if (tap.failed && world.server.child) tap.note(`server said:\n# ${world.server.child.text.split('\n').slice(-25).join('\n# ')}`);
    endAll();
  }
  return tap.end();
}

process.exitCode = await main();
