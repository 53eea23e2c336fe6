/**
 * Accuracy of the clock on bad networks: round trips of 20 to 200 ms, one direction up to three
 * times as slow as the other, a tenth of the samples 500 ms late, local clocks an hour off and
 * drifting. Prints the figures as a table.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ServerClock } from "../clock.js";
import { VirtualTime, seededRandom } from "./virtual-time.mjs";

/** Simulated clients of each kind; `FUZZ=full` makes the figures of docs/time.md. */
const PATHS = process.env.FUZZ === "full" ? 200 : 40;
const MINUTES = 10;
const EVERY_MS = 100;
const DRIFT = 100e-6;
const HOUR_MS = 3_600_000;
const SPIKE_MS = 500;
const SPIKES = 0.1;
const SEED = 20261125;

/** One client on one network; `skew` is the ratio of the two directions' delays. */
function pathOf(random, skew) {
  const roundTrip = 20 + random() * 180;
  const long = (roundTrip * skew) / (1 + skew);
  const [there, back] = random() < 0.5 ? [long, roundTrip - long] : [roundTrip - long, long];
  const late = () => -Math.log(1 - random()) * 0.05 * roundTrip * 0.5;
  const spike = () => (random() < SPIKES / 2 ? SPIKE_MS : 0);
  return {
    rate: 1 + (random() * 2 - 1) * DRIFT,
    uptime: random() * 24 * HOUR_MS,
    there: () => there + late() + spike(),
    back: () => back + late() + spike(),
  };
}

/** A client's errors and error bounds, one pair per instant. */
async function run(path, random) {
  const time = new VirtualTime({ random });
  const server = () => time.serverMs;
  const pass = (ms) => new Promise((resolve) => time.local.setTimer(resolve, ms));
  const monotonic = () => path.uptime + time.now * path.rate;
  const clock = new ServerClock({
    ...time.local,
    monotonic,
    wall: () => server() + HOUR_MS + time.now * (path.rate - 1),
    setTimer: (callback, ms) => time.local.setTimer(callback, ms / path.rate),
    resolutionMs: 0,
    read: async () => {
      await pass(path.there());
      const serverMs = Math.floor(server());
      await pass(path.back());
      return { serverMs };
    },
  });
  clock.start();
  const seen = [];
  let last = -Infinity;
  let back = 0;
  const onTick = () => {
    if (!clock.isSynced) return;
    const now = clock.now();
    back = Math.max(back, last - now);
    last = now;
    seen.push([Math.abs(now - server()), clock.errorMs]);
  };
  await time.pass(MINUTES * 60_000, { everyMs: EVERY_MS, onTick });
  clock.stop();
  return { seen, back };
}

async function figures(skewOf, seed) {
  const random = seededRandom(seed);
  const all = [];
  let back = 0;
  for (let path = 0; path < PATHS; path++) {
    const ran = await run(pathOf(random, skewOf(random)), random);
    all.push(...ran.seen);
    back = Math.max(back, ran.back);
  }
  const errors = all.map(([error]) => error).sort((one, other) => one - other);
  const bounds = all.map(([, bound]) => bound).sort((one, other) => one - other);
  const quantile = (sorted, part) => sorted[Math.floor(sorted.length * part)];
  return {
    instants: all.length,
    within: all.filter(([error, bound]) => error <= bound).length / all.length,
    median: quantile(errors, 0.5),
    p95: quantile(errors, 0.95),
    p999: quantile(errors, 0.999),
    bound: quantile(bounds, 0.5),
    back,
  };
}

function row(name, { instants, within, median, p95, p999, bound, back }) {
  const cells = [median, p95, p999, bound, back].map((ms) => ms.toFixed(2));
  return `| ${[name, instants, `${(within * 100).toFixed(3)} %`, ...cells].join(" | ")} |`;
}

test("the true error is within the bound, and small if both directions are equal", async (t) => {
  const symmetric = await figures(() => 1, SEED);
  const skewed = await figures((random) => 1 + random() * 2, SEED + 1);
  t.diagnostic("| paths | instants | within bound | median | p95 | p99.9 | median bound | back |");
  t.diagnostic(row("symmetric", symmetric));
  t.diagnostic(row("up to 3:1", skewed));
  for (const { within } of [symmetric, skewed]) assert.ok(within >= 0.999, `${within}`);
  assert.ok(symmetric.median < 5, `${symmetric.median}`);
  for (const { back } of [symmetric, skewed]) assert.equal(back, 0);
});
