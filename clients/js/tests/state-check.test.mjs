/** When a client checks that its state is still the newest. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../errors.js";
import { LogicHarness, version } from "./session-logic-harness.mjs";
import { T0, at, chess } from "./states.mjs";

const GONE = { status: 404, error: new ApiError(404, { code: "SESSION_NOT_FOUND" }) };

/** A paused state, so that no deadline comes. */
function still(number, more = {}) {
  return version(number, { status: "paused", cycle_started_at: null, deadline_at: null, ...more });
}

/** Let `ms` pass, answering each read with 304 and each ping with version `pong`. */
function runQuietly(one, ms, { pong = 1, answer = {} } = {}) {
  const asked = [];
  for (const end = one.now + ms; one.now < end;) {
    one.pass(10);
    for (const [what, when] of one.taken()) {
      asked.push([what, when]);
      if (what === "read") one.unchanged(answer);
      if (what === "ping" && pong !== undefined) one.receive("PONG", { version: pong });
    }
  }
  return asked;
}

function kindsOf(asked) {
  return asked.map(([what]) => what);
}

test("a transport that can't ping is checked every 700 ms for 10 s, then every 15 s", () => {
  const one = new LogicHarness().join().sync(still(1));
  assert.equal(runQuietly(one, 10_000).length, 14);
  const later = runQuietly(one, 60_000).map(([, when]) => when);
  assert.equal(later.length, 4);
  assert.ok(later.every((when, index) => !index || when - later[index - 1] >= 15_000));
});

test("the session is read on joining a transport that doesn't send the state", () => {
  const one = new LogicHarness().join({ bringsState: false }).pass(0);
  assert.deepEqual(one.taken(), [["read", 0]]);
});

test("a WebSocket is pinged, and the session isn't read", () => {
  const one = new LogicHarness().join({ canPing: true }).sync(still(1));
  const asked = runQuietly(one, 9_000);
  assert.deepEqual([...new Set(kindsOf(asked))], ["ping"]);
  assert.ok(asked.length >= 12 && asked.length <= 14);
});

test("after the first 10 s a WebSocket is pinged every 10 s", () => {
  const one = new LogicHarness().join({ canPing: true }).sync(still(1));
  runQuietly(one, 10_500);
  assert.deepEqual(kindsOf(runQuietly(one, 30_000)), ["ping", "ping", "ping"]);
});

test("a pong with another version, newer or older, leads to a sync", () => {
  for (const pong of [3, 1, null]) {
    const one = new LogicHarness().join({ canPing: true }).sync(still(2)).pass(0);
    one.taken();
    one.receive("PONG", { version: pong });
    assert.deepEqual(kindsOf(one.taken()), ["resync"]);
  }
});

test("a pong with the held version confirms the state", () => {
  const one = new LogicHarness().join({ canPing: true }).sync(still(2)).pass(0);
  one.taken();
  one.pass(100).receive("PONG", { version: 2 });
  assert.deepEqual(one.pass(699).taken(), []);
  assert.deepEqual(one.pass(1).taken(), [["ping", 800]]);
});

test("a pong without a version leads to a sync if a state is held", () => {
  const one = new LogicHarness().join({ canPing: true }).sync(still(2)).pass(0);
  one.taken();
  one.receive("PONG");
  assert.deepEqual(kindsOf(one.taken()), ["resync"]);
});

test("without a pong the session is read after 700 ms and reconnected after 5 s", () => {
  const one = new LogicHarness().join({ canPing: true }).sync(still(1));
  one.pass(699);
  assert.deepEqual(one.taken(), [["ping", 0]]);
  one.pass(1);
  assert.deepEqual(one.taken(), [["read", 700]]);
  const reads = runQuietly(one.unchanged(), 4200).map(([what]) => what);
  assert.deepEqual(reads, Array(6).fill("read"), "the session is polled meanwhile");
  one.pass(100);
  assert.ok(one.taken().some(([what]) => what === "reconnect"));
});

test("a page that is shown again also pings, as the connection may have died unnoticed", () => {
  const one = new LogicHarness().join({ canPing: true }).sync(still(1));
  runQuietly(one, 21_000);
  one.show(true).pass(0);
  assert.deepEqual(kindsOf(one.taken()).sort(), ["ping", "read"]);
});

test("a pong without a version confirms that the session doesn't exist", () => {
  const one = new LogicHarness().join({ canPing: true }).pass(0);
  one.receive("PONG").pass(0).answer(GONE);
  one.taken();
  assert.deepEqual([...new Set(kindsOf(runQuietly(one, 5000, { pong: null })))], ["ping"]);
});

test("consecutive pushes need no checks", () => {
  const one = new LogicHarness().join().sync(still(1));
  for (let number = 2; number < 12; number++) one.pass(600).push(still(number));
  assert.deepEqual(one.taken(), []);
});

test("a gap, a late state, and a read with a newer state cause 10 s of frequent checks", () => {
  const signs = {
    gap: (one) => one.push(still(5)),
    late: (one) => one.push(still(0)),
    found: (one) => one.pass(15_000).found(still(5)),
  };
  for (const [name, sign] of Object.entries(signs)) {
    const one = new LogicHarness().join().sync(still(1));
    runQuietly(one, 10_600);
    sign(one);
    const asked = runQuietly(one, 11_000).length;
    assert.ok(asked >= 13 && asked <= 16, `${name}: ${asked}`);
  }
});

test("checks come only every 3 s when the rate limit is almost used up", () => {
  const one = new LogicHarness().join().sync(still(1));
  assert.equal(runQuietly(one, 9_900, { answer: { rateLimitRemaining: 19 } }).length, 4);
});

test("without a push the session is read 300 ms after a deadline, and again 3 s later", () => {
  const one = new LogicHarness().join({ canPing: true });
  one.sync(chess({ version: 1, deadline_at: at(20_000), time_remaining_ms: 20_000 }));
  const reads = runQuietly(one, 24_000).filter(([what]) => what === "read");
  assert.deepEqual(reads, [
    ["read", 20_300],
    ["read", 23_300],
  ]);
});

for (const [name, state] of [
  ["start", { status: "pending", start_at: at(20_000), deadline_at: null }],
  ["close of a pending session", { status: "pending", deadline_at: at(20_000) }],
  ["end of a paused session", { status: "paused", deadline_at: at(20_000) }],
  [
    "instant of a scheduled command",
    { deadline_at: at(60_000), scheduled: { operation: "pause", effective_at: at(20_000) } },
  ],
]) {
  test(`without a push the session is read 300 ms after the ${name}`, () => {
    const one = new LogicHarness().join({ canPing: true });
    one.sync(chess({ version: 1, cycle_started_at: null, ...state }));
    const reads = runQuietly(one, 21_000).filter(([what]) => what === "read");
    assert.deepEqual(reads, [["read", 20_300]]);
  });
}

test("a push in order postpones the next ping", () => {
  const one = new LogicHarness().join({ canPing: true }).sync(still(1));
  runQuietly(one, 20_000);
  for (let number = 2; number < 7; number++) one.pass(5000).push(still(number));
  assert.deepEqual(one.taken(), []);
});

test("after a push about a deadline the session isn't read", () => {
  const one = new LogicHarness().join({ canPing: true });
  one.sync(chess({ version: 1, deadline_at: at(20_000), time_remaining_ms: 20_000 }));
  runQuietly(one, 20_050);
  one.push(still(2));
  const reads = runQuietly(one, 4000, { pong: 2 }).filter(([what]) => what === "read");
  assert.deepEqual(reads, []);
});

test("a hidden page makes no requests, and reads at once when it is shown again", () => {
  const one = new LogicHarness().join().sync(still(1));
  one.show(false);
  assert.deepEqual(one.pass(60_000).taken(), []);
  one.show(true).pass(0);
  assert.deepEqual(one.taken(), [["read", 60_000]]);
});

test("without pushes the session is polled every 720 to 900 ms", () => {
  for (const [random, apart] of [
    [0, 720],
    [1, 900],
  ]) {
    const one = new LogicHarness({ random: () => random })
      .leave({ soon: true })
      .pass(0)
      .found(still(1));
    one.taken();
    assert.deepEqual(one.pass(apart).taken(), [["read", apart]]);
  }
});

test("without pushes the session is read right after a deadline", () => {
  const one = new LogicHarness().leave({ soon: true }).pass(0);
  one.found(chess({ deadline_at: at(300), time_remaining_ms: 300 })).taken();
  assert.deepEqual(one.pass(400).taken(), [["read", 350]]);
});

test("a hidden page, and an ended session, are polled seldom", () => {
  const over = new LogicHarness()
    .leave({ soon: true })
    .pass(0)
    .found(still(1, { status: "expired" }));
  over.taken();
  assert.deepEqual(over.pass(19_900).taken(), []);
  assert.deepEqual(over.pass(200).taken(), [["read", 20_000]]);
  const hidden = new LogicHarness().leave({ soon: true }).show(false).pass(0).found(still(1));
  hidden.taken();
  assert.deepEqual(hidden.pass(19_900).taken(), []);
});

test("a session that doesn't exist is polled every 2 s", () => {
  const one = new LogicHarness().leave({ soon: true }).pass(0).answer(GONE);
  one.taken();
  assert.deepEqual(one.pass(2000).taken(), [["read", 2000]]);
});

test("reads of an unavailable service back off and respect Retry-After", () => {
  const away = (retryAfterMs) => ({ status: 503, error: new ApiError(503, {}, retryAfterMs) });
  const one = new LogicHarness({ random: () => 1 }).leave({ soon: true }).pass(0).answer(away());
  one.taken();
  assert.deepEqual(one.pass(200).taken(), [["read", 200]]);
  one.answer(away()).pass(400);
  assert.deepEqual(one.taken(), [["read", 600]]);
  one.answer(away(7000)).push(still(3)).pass(6999);
  assert.deepEqual(one.taken(), []);
  assert.deepEqual(one.pass(1).taken(), [["read", 7600]]);
});
