/** The client's clock: its estimate, its error bound, and when it measures. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ServerClock } from "../clock.js";
import { halfWidth, intersection, intervalOf, middle } from "../offset-interval.js";
import { VirtualTime, settled } from "./virtual-time.mjs";

const AHEAD = 5_000_000;

/** A clock in virtual time with these round trips (ms); the last one is repeated. */
function clockWith(...trips) {
  const time = new VirtualTime();
  const clocks = { ahead: AHEAD, wallAhead: 0, reads: 0 };
  const way = () => (trips.length > 1 ? trips.shift() : trips[0]) / 2;
  const pass = (ms) => new Promise((resolve) => time.local.setTimer(resolve, ms));
  const read = async () => {
    clocks.reads++;
    const ms = way();
    await pass(ms);
    if (clocks.isAway) throw new Error("away");
    const serverMs = Math.floor(time.now + clocks.ahead);
    await pass(ms);
    return { serverMs };
  };
  const wall = () => time.serverMs + clocks.wallAhead;
  const clock = new ServerClock({ ...time.local, wall, read, resolutionMs: 0 });
  const error = () => clock.now() - time.now - clocks.ahead;
  return { time, clock, clocks, error };
}

test("a sample's interval covers rounding, its round trip and the clock's resolution", () => {
  const sample = { sentAt: 0, serverMs: 1000, receivedAt: 10 };
  assert.deepEqual(intervalOf(sample, 0), { low: 989.5, high: 1001 });
  assert.deepEqual(intervalOf(sample, 1), { low: 988.5, high: 1002 });
  const later = intervalOf({ sentAt: 10_000, serverMs: 11_000, receivedAt: 10_010 }, 0);
  assert.ok(Math.abs(halfWidth(later, 10_000) - 5.75) < 1e-6);
  assert.ok(Math.abs(halfWidth(later, 20_000) - 5.75 - 1.2) < 1e-6);
});

test("two contradictory samples have no intersection", () => {
  const one = intervalOf({ sentAt: 0, serverMs: 1000, receivedAt: 10 }, 0);
  const other = intervalOf({ sentAt: 20, serverMs: 1016, receivedAt: 22 }, 0);
  const jumped = intervalOf({ sentAt: 20, serverMs: 5000, receivedAt: 30 }, 0);
  assert.ok(Math.abs(middle(intersection(one, other, 30)) - (993.5 + 997) / 2) < 0.01);
  assert.equal(intersection(one, jumped, 30), null);
});

test("before the first sample it shows the wall clock, without an error bound", () => {
  const { time, clock } = clockWith(10);
  assert.equal(clock.now(), time.serverMs);
  assert.deepEqual([clock.errorMs, clock.roundTripMs, clock.isSynced], [Infinity, Infinity, false]);
});

const THREE_HOURS_MS = 3 * 3_600_000;

for (const wallAhead of [-THREE_HOURS_MS, THREE_HOURS_MS]) {
  test(`before the first sample it follows states, with the wall clock ${wallAhead} ms off`, async () => {
    const { time, clock, clocks, error } = clockWith(10);
    clocks.wallAhead = wallAhead;
    const send = () => time.now + clocks.ahead;
    const written = send();
    await time.pass(40);
    clock.noteServerTime(written);
    assert.equal(error(), -40);
    assert.deepEqual([clock.errorMs, clock.isSynced], [Infinity, false]);
    await time.pass(60_000);
    assert.equal(error(), -40);
    clocks.wallAhead = 0;
    assert.equal(error(), -40);
  });
}

test("a state that took longer doesn't move the time back, and a faster one moves it on", async () => {
  const { time, clock, clocks, error } = clockWith(10);
  clock.noteServerTime(time.now + clocks.ahead - 40);
  await time.pass(100);
  clock.noteServerTime(time.now + clocks.ahead - 5_000);
  assert.equal(error(), -40);
  clock.noteServerTime(time.now + clocks.ahead - 3);
  assert.equal(error(), -3);
});

test("the first sample replaces the estimate from states, and time never runs backwards", async () => {
  const { time, clock, clocks, error } = clockWith(200, 4);
  clocks.wallAhead = THREE_HOURS_MS;
  clock.noteServerTime(time.now + clocks.ahead);
  clock.start();
  let last = clock.now();
  for (let step = 0; step < 4000; step++) {
    await time.pass(1);
    const now = clock.now();
    assert.ok(now >= last, `it ran backwards at ${time.now}`);
    last = now;
    if (clock.isSynced) assert.ok(Math.abs(error()) <= clock.errorMs + 1e-6);
  }
  assert.ok(clock.isSynced && Math.abs(error()) < 3);
});

test("the first sample is used at once if the estimate from states is impossible", async () => {
  const { time, clock, clocks, error } = clockWith(10);
  clock.noteServerTime(time.now + clocks.ahead + 60_000);
  clock.start();
  await time.pass(10);
  assert.ok(Math.abs(error()) <= clock.errorMs && clock.errorMs < 6);
});

test("once it is synced, states change nothing", async () => {
  const { time, clock, clocks } = clockWith(10);
  clock.start();
  await time.pass(80);
  const [now, errorMs] = [clock.now(), clock.errorMs];
  clock.noteServerTime(time.now + clocks.ahead + 5_000);
  assert.deepEqual([clock.now(), clock.errorMs], [now, errorMs]);
});

test("it is synced from the first sample on", async () => {
  const { time, clock, error } = clockWith(10);
  clock.start();
  await time.pass(10);
  assert.ok(clock.isSynced);
  assert.equal(clock.roundTripMs, 10);
  assert.ok(clock.errorMs < 6 && Math.abs(error()) <= clock.errorMs);
});

test("several samples give a smaller error than the best one alone", async () => {
  const { time, clock, error } = clockWith(10.4, 10.9, 11.3, 12.7);
  clock.start();
  await time.pass(200);
  assert.ok(clock.errorMs < 5.2 + 0.75, `${clock.errorMs}`);
  assert.ok(Math.abs(error()) <= clock.errorMs);
});

test("it takes eight samples twice at the start, then three every 30 s", async () => {
  const { time, clock, clocks } = clockWith(10);
  clock.start();
  await time.pass(1000);
  assert.equal(clocks.reads, 8);
  await time.pass(1000);
  assert.equal(clocks.reads, 16);
  await time.pass(30_000);
  assert.equal(clocks.reads, 16 + 3);
  await time.pass(30_000);
  assert.equal(clocks.reads, 16 + 6);
});

test("it fires sync after each sample", async () => {
  const { time, clock } = clockWith(10);
  let events = 0;
  clock.addEventListener("sync", () => events++);
  clock.start();
  await time.pass(80);
  assert.equal(events, 8);
});

test("the error grows with time", async () => {
  const { time, clock } = clockWith(10);
  clock.sync();
  await time.pass(80);
  const before = clock.errorMs;
  await time.pass(10_000);
  assert.ok(Math.abs(clock.errorMs - before - 1.2) < 1e-3); // 120 ppm
});

test("after sleep it isn't synced until the next sample, which is taken at once", async () => {
  const { time, clock, clocks, error } = clockWith(10);
  clock.start();
  await time.pass(5000);
  const { reads } = clocks;
  clocks.wallAhead = 3_600_000; // monotonic time stands still during sleep
  clocks.ahead += 3_600_000;
  assert.deepEqual([clock.isSynced, clock.errorMs], [false, Infinity]);
  await time.pass(1100);
  assert.ok(clocks.reads > reads);
  assert.ok(clock.isSynced && Math.abs(error()) <= clock.errorMs);
});

test("a sample is dropped if the machine slept during its request", async () => {
  const { time, clock, clocks } = clockWith(100);
  clock.sync();
  await time.pass(50);
  clocks.wallAhead += 10_000;
  await time.pass(50);
  assert.equal(clock.isSynced, false);
  await time.pass(100);
  assert.equal(clock.isSynced, true);
});

test("setting the wall clock doesn't change the shown time", async () => {
  const { time, clock, clocks, error } = clockWith(10);
  clock.start();
  await time.pass(5000);
  clocks.wallAhead = -3_600_000;
  assert.ok(Math.abs(error()) < 6);
  await time.pass(1100);
  assert.ok(Math.abs(clock.offsetMs - (AHEAD - time.serverMs + time.now + 3_600_000)) < 6);
});

test("it follows a jump of the server's clock, even backwards", async () => {
  const { time, clock, clocks, error } = clockWith(10);
  clock.start();
  await time.pass(5000);
  clocks.ahead -= 1000;
  await time.pass(30_000);
  assert.ok(Math.abs(error()) <= clock.errorMs && clock.errorMs < 10);
});

test("it never runs backwards, however bad the first sample was", async () => {
  for (const first of [200, 20]) {
    const { time, clock, error } = clockWith(first, 4);
    clock.start();
    let last = -Infinity;
    for (let step = 0; step < 4000; step++) {
      await time.pass(1);
      if (!clock.isSynced) continue;
      const now = clock.now();
      assert.ok(now >= last, `it ran backwards at ${time.now}`);
      last = now;
      assert.ok(Math.abs(error()) <= clock.errorMs + 1e-6);
    }
  }
});

test("after a sample with a slow request, the backward correction is slewed", async () => {
  const time = new VirtualTime();
  const pass = (ms) => new Promise((resolve) => time.local.setTimer(resolve, ms));
  const ways = [
    [80, 0],
    [2, 2],
  ];
  const read = async () => {
    const [there, back] = ways.length > 1 ? ways.shift() : ways[0];
    await pass(there);
    const serverMs = Math.floor(time.now + AHEAD);
    await pass(back);
    return { serverMs };
  };
  const clock = new ServerClock({
    ...time.local,
    wall: () => time.serverMs,
    read,
    resolutionMs: 0,
  });
  clock.sync();
  await time.pass(81);
  let last = clock.now();
  let slowest = Infinity;
  for (let step = 0; step < 1000; step++) {
    await time.pass(1);
    slowest = Math.min(slowest, clock.now() - last);
    last = clock.now();
    assert.ok(Math.abs(last - time.now - AHEAD) <= clock.errorMs + 1e-6);
  }
  assert.ok(Math.abs(slowest - 0.9) < 1e-6, `${slowest}`);
});

test("a page that is shown again measures again", async () => {
  const { time, clock, clocks } = clockWith(10);
  clock.start();
  await time.pass(5000);
  const { reads } = clocks;
  await time.show(false);
  await time.pass(100);
  assert.equal(clocks.reads, reads);
  await time.show(true);
  await time.pass(100);
  assert.equal(clocks.reads, reads + 3);
});

test("it keeps trying while the server is unavailable", async () => {
  const { time, clock, clocks } = clockWith(10);
  clocks.isAway = true;
  clock.start();
  await time.pass(2000);
  assert.equal(clock.isSynced, false);
  assert.ok(clocks.reads >= 4 && clocks.reads <= 8);
  clocks.isAway = false;
  await time.pass(5000);
  assert.ok(clock.isSynced);
});

test("it doesn't measure after stop", async () => {
  const { time, clock, clocks } = clockWith(10);
  clock.start();
  await time.pass(3000);
  clock.stop();
  const { reads } = clocks;
  await time.pass(120_000);
  await settled();
  assert.deepEqual([clocks.reads, time.timers, time.isWatched], [reads, 0, false]);
});
