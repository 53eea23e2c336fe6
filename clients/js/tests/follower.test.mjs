/** What a client makes of what it hears: versions, gaps, lives, presence. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../errors.js";
import { Followed, version } from "./followed.mjs";
import { T0, at } from "./states.mjs";

const GONE = { status: 404, error: new ApiError(404, { code: "SESSION_NOT_FOUND" }) };
const AWAY = { status: 503, error: new ApiError(503, { code: "STORE_UNAVAILABLE" }) };

/** One who is live, has version 1, and nothing to ask. */
function live(options) {
  return new Followed().join(options).sync(version(1));
}

test("only newer states are told of, each with the one before", () => {
  const one = live();
  for (const number of [2, 1, 2, 3]) one.push(version(number));
  assert.deepEqual(one.versions, [1, 2, 3]);
  const [, second] = one.named("update");
  assert.equal(second.previous.version, 1);
  assert.deepEqual([second.isNext, second.cause, second.source], [true, "cycle_switched", "push"]);
});

test("where a state came from is told", () => {
  const one = live().push(version(2)).act(version(3));
  one.hear("STATE_UPDATE", { version: 4 }).pass(200).found(version(4));
  const sources = one.named("update").map(({ source }) => source);
  assert.deepEqual(sources, ["sync", "push", "action", "read"]);
});

test("a gap is shown at once and read 50 to 150 ms later", () => {
  for (const [random, delay] of [
    [0, 50],
    [1, 150],
  ]) {
    const one = new Followed({ random: () => random }).join().sync(version(1));
    one.push(version(4));
    assert.equal(one.state.version, 4);
    assert.equal(one.named("update").at(-1).isNext, false);
    assert.deepEqual(one.pass(delay - 1).taken(), []);
    assert.deepEqual(one.pass(1).taken(), [["read", delay]]);
  }
});

test("what was skipped and comes late after all makes the read needless", () => {
  const one = live().push(version(4)).push(version(3)).push(version(2));
  assert.deepEqual(one.pass(600).taken(), []);
  assert.deepEqual(one.versions, [1, 4]);
});

test("one of two that were skipped isn't enough", () => {
  const one = live().push(version(4)).push(version(3));
  assert.deepEqual(one.pass(200).taken(), [["read", 100]]);
});

test("duplicates are no reason for anything", () => {
  const still = version(1, { deadline_at: null });
  const one = new Followed().join().sync(still).pass(20_000).unchanged();
  one.taken();
  one.push(still).push(still);
  assert.deepEqual(one.pass(14_000).taken(), []);
  assert.deepEqual(one.versions, [1]);
});

test("a large state that comes without itself is read", () => {
  const one = live().hear("STATE_SYNC", { version: 2 });
  one.pass(200).found(version(2));
  assert.equal(one.state.version, 2);
});

test("a version without its state is read", () => {
  const one = live().hear("STATE_UPDATE", { version: 2 });
  assert.deepEqual(one.pass(150).taken(), [["read", 100]]);
  one.found(version(2));
  assert.deepEqual(one.versions, [1, 2]);
  assert.deepEqual(one.pass(500).taken(), []);
});

test("a read that may have missed what was learnt meanwhile is done again", () => {
  const one = live().push(version(3)).pass(100);
  one.hear("STATE_UPDATE", { version: 5 });
  one.found(version(3));
  assert.deepEqual(
    one.pass(0).asked.map(({ what }) => what),
    ["read"],
  );
  one.found(version(5));
  assert.deepEqual(one.pass(500).taken(), []);
});

test("a version that a read begun later doesn't find never was", () => {
  const one = live().hear("STATE_UPDATE", { version: 9 }).pass(150);
  one.found(version(1));
  assert.deepEqual(one.pass(600).taken(), []);
});

test("a switch of one's own is awaited for 250 ms, then read", () => {
  const one = live().didSwitch(2);
  assert.deepEqual(one.pass(249).taken(), []);
  assert.deepEqual(one.pass(1).taken(), [["read", 250]]);
});

test("a switch whose push is there needs no read", () => {
  const one = live().push(version(2)).didSwitch(2);
  assert.deepEqual(one.pass(500).taken(), []);
});

test("a switch whose push comes soon needs no read", () => {
  const one = live().didSwitch(2).pass(200).push(version(2));
  assert.deepEqual(one.pass(400).taken(), []);
});

test("a read names the version that is known, but now and then asks for all", () => {
  const one = new Followed().leave({ soon: true });
  const known = [];
  for (let look = 0; look < 11; look++) {
    one.pass(1000);
    known.push(one.asked[0].known);
    if (look) one.unchanged();
    else one.found(version(7));
  }
  assert.deepEqual(known, [undefined, ...Array(8).fill(7), undefined, 7]);
});

test("a lobby comes alive", () => {
  const one = new Followed().join();
  assert.equal(one.presence, "unknown");
  one.pass(200).answer(GONE);
  assert.equal(one.presence, "absent");
  one.push(version(1));
  assert.equal(one.presence, "present");
  assert.equal(one.named("update")[0].previous, null);
});

test("an absence that is told after a state came means nothing", () => {
  const one = new Followed().join().pass(200);
  one.push(version(1)).answer(GONE);
  assert.equal(one.presence, "present");
});

test("a deletion is told of once", () => {
  const one = live().hear("SESSION_DELETED", { timestamp: T0 });
  one.hear("SESSION_DELETED", { timestamp: T0 }).pass(3000).answer(GONE);
  assert.equal(one.presence, "deleted");
  assert.equal(one.state, null);
  assert.equal(one.named("deleted").length, 1);
});

test("what was there and is found no more was deleted", () => {
  const one = live().push(version(3)).pass(100).answer(GONE);
  assert.deepEqual([one.presence, one.named("deleted").length], ["deleted", 1]);
});

test("what comes late of a deleted session doesn't bring it back", () => {
  const one = live().hear("SESSION_DELETED", { timestamp: T0 });
  one.push(version(5)).push(version(1)).act(version(6));
  assert.deepEqual([one.presence, one.state], ["deleted", null]);
});

test("a read that was under way when it was deleted doesn't bring it back", () => {
  const one = live().push(version(3)).pass(100);
  one.hear("SESSION_DELETED", { timestamp: T0 }).found(version(3));
  assert.equal(one.presence, "deleted");
});

test("what is read after a deletion is there again", () => {
  const one = live().push(version(3)).pass(100).answer(GONE).pass(2000).found(version(3));
  assert.deepEqual([one.presence, one.state.version], ["present", 3]);
});

test("a new life of an id begins anew, with its own versions", () => {
  const one = live();
  for (let number = 2; number < 9; number++) one.push(version(number));
  const reborn = version(1, { created_at: at(5000) });
  one
    .push(reborn)
    .push(version(9))
    .push(version(2, { created_at: at(5000) }));
  assert.deepEqual(one.versions.slice(-2), [1, 2]);
  assert.deepEqual(
    one
      .named("update")
      .map(({ isNext }) => isNext)
      .slice(-2),
    [false, true],
  );
  assert.equal(one.presence, "present");
});

test("the deletion of a former life doesn't touch the new one", () => {
  const reborn = version(1, { created_at: at(5000) });
  const one = live()
    .push(reborn)
    .hear("SESSION_DELETED", { timestamp: T0 + 4999 });
  assert.equal(one.presence, "present");
  one.hear("SESSION_DELETED", { timestamp: T0 + 5001 });
  assert.equal(one.presence, "deleted");
});

test("a refusal ends it, with its reason", () => {
  const error = new ApiError(403, { code: "FORBIDDEN" });
  const one = live().push(version(3)).pass(100).answer({ status: 403, error });
  assert.deepEqual([one.presence, one.state, one.follower.refusal], ["refused", null, error]);
});

test("a service that is away changes nothing that is known", () => {
  const one = live().push(version(3)).pass(100).answer(AWAY);
  assert.deepEqual([one.presence, one.state.version], ["present", 3]);
});

test("a message of another session is no message", () => {
  const one = live();
  one.hear("STATE_UPDATE", { sessionId: "another", state: version(2) });
  assert.deepEqual(one.versions, [1]);
});

test("a warning is told of", () => {
  const one = live().hear("TIME_WARNING", {
    participant_id: "ada",
    threshold_ms: 5000,
    time_remaining_ms: 4990,
  });
  const expected = { participantId: "ada", thresholdMs: 5000, remainingMs: 4990 };
  assert.deepEqual(one.named("warning"), [expected]);
});
