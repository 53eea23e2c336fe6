/** A client's decisions: versions, gaps, reused ids and existence. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../errors.js";
import { LogicHarness, version } from "./session-logic-harness.mjs";
import { T0, at } from "./states.mjs";

const GONE = { status: 404, error: new ApiError(404, { code: "SESSION_NOT_FOUND" }) };
const AWAY = { status: 503, error: new ApiError(503, { code: "STORE_UNAVAILABLE" }) };

/** The logic of a live session that holds version 1. */
function live(options) {
  return new LogicHarness().join(options).sync(version(1));
}

test("only newer states are emitted, each with the previous one", () => {
  const one = live();
  for (const number of [2, 1, 2, 3]) one.push(version(number));
  assert.deepEqual(one.versions, [1, 2, 3]);
  const [, second] = one.named("update");
  assert.equal(second.previous.version, 1);
  assert.deepEqual([second.isNext, second.cause, second.source], [true, "cycle_switched", "push"]);
});

test("an update has the source of its state", () => {
  const one = live().push(version(2)).act(version(3));
  one.receive("STATE_UPDATE", { version: 4 }).pass(200).found(version(4));
  const sources = one.named("update").map(({ source }) => source);
  assert.deepEqual(sources, ["sync", "push", "action", "read"]);
});

test("a state after a gap is emitted at once, and the session read 50 to 150 ms later", () => {
  for (const [random, delay] of [
    [0, 50],
    [1, 150],
  ]) {
    const one = new LogicHarness({ random: () => random }).join().sync(version(1));
    one.push(version(4));
    assert.equal(one.state.version, 4);
    assert.equal(one.named("update").at(-1).isNext, false);
    assert.deepEqual(one.pass(delay - 1).taken(), []);
    assert.deepEqual(one.pass(1).taken(), [["read", delay]]);
  }
});

test("the session isn't read if all skipped versions arrive late", () => {
  const one = live().push(version(4)).push(version(3)).push(version(2));
  assert.deepEqual(one.pass(600).taken(), []);
  assert.deepEqual(one.versions, [1, 4]);
});

test("the session is read if only one of two skipped versions arrives", () => {
  const one = live().push(version(4)).push(version(3));
  assert.deepEqual(one.pass(200).taken(), [["read", 100]]);
});

function difference(number, since) {
  const state = version(number, { participants: [], deadline_at: null });
  return { version: number, cause: "participant_finished", difference: { since, state } };
}

test("a difference to the held state makes the next one", () => {
  const one = live().receive("STATE_UPDATE", difference(2, 1));
  const update = one.named("update").at(-1);
  assert.deepEqual([update.state.version, update.isNext, update.source], [2, true, "push"]);
  assert.deepEqual(update.state.participants.length, version(1).participants.length);
  assert.deepEqual(one.pass(200).taken(), []);
});

test("after a lost difference the session is read, and then checked often", () => {
  const one = live();
  one.receive("STATE_UPDATE", difference(3, 2)).pass(200);
  assert.deepEqual(one.taken(), [["read", 100]]);
  one.found(version(3, { deadline_at: null }));
  assert.equal(one.state.version, 3);
  assert.ok(one.pass(1_000).taken().length > 0);
});

test("a difference that makes no newer state causes no request", () => {
  const one = live().push(version(2));
  one.receive("STATE_UPDATE", difference(2, 1)).receive("STATE_UPDATE", difference(1, 0));
  assert.deepEqual(one.pass(200).taken(), []);
  assert.deepEqual(one.versions, [1, 2]);
});

test("duplicates cause no request", () => {
  const still = version(1, { deadline_at: null });
  const one = new LogicHarness().join().sync(still).pass(20_000).unchanged();
  one.taken();
  one.push(still).push(still);
  assert.deepEqual(one.pass(14_000).taken(), []);
  assert.deepEqual(one.versions, [1]);
});

test("the session is read after a STATE_SYNC without the state, which was too large", () => {
  const one = live().receive("STATE_SYNC", { version: 2 });
  one.pass(200).found(version(2));
  assert.equal(one.state.version, 2);
});

test("the session is read after a STATE_UPDATE without the state", () => {
  const one = live().receive("STATE_UPDATE", { version: 2 });
  assert.deepEqual(one.pass(150).taken(), [["read", 100]]);
  one.found(version(2));
  assert.deepEqual(one.versions, [1, 2]);
  assert.deepEqual(one.pass(500).taken(), []);
});

test("a read is repeated if a newer version became known during it", () => {
  const one = live().push(version(3)).pass(100);
  one.receive("STATE_UPDATE", { version: 5 });
  one.found(version(3));
  assert.deepEqual(
    one.pass(0).asked.map(({ what }) => what),
    ["read"],
  );
  one.found(version(5));
  assert.deepEqual(one.pass(500).taken(), []);
});

test("a version that a later read doesn't find counts as nonexistent", () => {
  const one = live().receive("STATE_UPDATE", { version: 9 }).pass(150);
  one.found(version(1));
  assert.deepEqual(one.pass(600).taken(), []);
});

test("the push of an own switch is awaited for 250 ms, then the session is read", () => {
  const one = live().ownVersionNoted(2);
  assert.deepEqual(one.pass(249).taken(), []);
  assert.deepEqual(one.pass(1).taken(), [["read", 250]]);
});

test("a switch whose push came before the response needs no read", () => {
  const one = live().push(version(2)).ownVersionNoted(2);
  assert.deepEqual(one.pass(500).taken(), []);
});

test("a switch whose push comes soon needs no read", () => {
  const one = live().ownVersionNoted(2).pass(200).push(version(2));
  assert.deepEqual(one.pass(400).taken(), []);
});

test("a read sends the held version, except for every tenth one", () => {
  const one = new LogicHarness().leave({ soon: true });
  const known = [];
  for (let look = 0; look < 11; look++) {
    one.pass(1000);
    known.push(one.asked[0].known);
    if (look) one.unchanged();
    else one.found(version(7));
  }
  assert.deepEqual(known, [undefined, ...Array(8).fill(7), undefined, 7]);
});

test("an absent session becomes present with its first state", () => {
  const one = new LogicHarness().join();
  assert.equal(one.existence, "unknown");
  one.pass(200).answer(GONE);
  assert.equal(one.existence, "absent");
  one.push(version(1));
  assert.equal(one.existence, "present");
  assert.equal(one.named("update")[0].previous, null);
});

test("a read that finds no session is ignored if a state arrived during it", () => {
  const one = new LogicHarness().join().pass(200);
  one.push(version(1)).answer(GONE);
  assert.equal(one.existence, "present");
});

test("a deletion is emitted once", () => {
  const one = live().receive("SESSION_DELETED", { timestamp: T0 });
  one.receive("SESSION_DELETED", { timestamp: T0 }).pass(3000).answer(GONE);
  assert.equal(one.existence, "deleted");
  assert.equal(one.state, null);
  assert.equal(one.named("deleted").length, 1);
});

test("a present session that a read doesn't find was deleted", () => {
  const one = live().push(version(3)).pass(100).answer(GONE);
  assert.deepEqual([one.existence, one.named("deleted").length], ["deleted", 1]);
});

test("late states of a deleted session are ignored", () => {
  const one = live().receive("SESSION_DELETED", { timestamp: T0 });
  one.push(version(5)).push(version(1)).act(version(6));
  assert.deepEqual([one.existence, one.state], ["deleted", null]);
});

test("a read that began before the deletion doesn't restore the session", () => {
  const one = live().push(version(3)).pass(100);
  one.receive("SESSION_DELETED", { timestamp: T0 }).found(version(3));
  assert.equal(one.existence, "deleted");
});

test("a read that began after the deletion restores the session", () => {
  const one = live().push(version(3)).pass(100).answer(GONE).pass(2000).found(version(3));
  assert.deepEqual([one.existence, one.state.version], ["present", 3]);
});

test("a new session with a deleted one's id has its own versions", () => {
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
  assert.equal(one.existence, "present");
});

test("the deletion of an earlier session with the id doesn't affect the new one", () => {
  const reborn = version(1, { created_at: at(5000) });
  const one = live()
    .push(reborn)
    .receive("SESSION_DELETED", { timestamp: T0 + 4999 });
  assert.equal(one.existence, "present");
  one.receive("SESSION_DELETED", { timestamp: T0 + 5001 });
  assert.equal(one.existence, "deleted");
});

test("a refusal sets the existence and keeps its error", () => {
  const error = new ApiError(403, { code: "FORBIDDEN" });
  const one = live().push(version(3)).pass(100).answer({ status: 403, error });
  assert.deepEqual([one.existence, one.state, one.logic.refusal], ["refused", null, error]);
});

test("a failed read doesn't change state and existence", () => {
  const one = live().push(version(3)).pass(100).answer(AWAY);
  assert.deepEqual([one.existence, one.state.version], ["present", 3]);
});

test("a message of another session is ignored", () => {
  const one = live();
  one.receive("STATE_UPDATE", { sessionId: "another", state: version(2) });
  assert.deepEqual(one.versions, [1]);
});

test("a TIME_WARNING is emitted as warning", () => {
  const one = live().receive("TIME_WARNING", {
    participant_id: "ada",
    threshold_ms: 5000,
    time_remaining_ms: 4990,
  });
  const expected = { participant_id: "ada", threshold_ms: 5000, remaining_ms: 4990 };
  assert.deepEqual(one.named("warning"), [{ ...expected, before_start: false }]);
});

test("a TIME_WARNING before the start says so", () => {
  const message = { threshold_ms: 60_000, time_remaining_ms: 59_990, before: "start" };
  const one = live().receive("TIME_WARNING", message);
  const expected = { threshold_ms: 60_000, remaining_ms: 59_990, before_start: true };
  assert.deepEqual(one.named("warning"), [expected]);
});

test("the deprecated names of an event's fields can still be read, but are not listed", () => {
  const one = live().receive("PERIOD_ENDED", { group_id: "red", periods_left: 1 });
  one.receive("TIME_WARNING", { participant_id: "ada", threshold_ms: 9, time_remaining_ms: 8 });
  one.receive("TIME_EXPIRED", { deadline_ms: T0 + 9, action_applied: { type: "notify" } });
  const [{ groupId, periodsLeft }] = one.named("period");
  assert.deepEqual([groupId, periodsLeft], ["red", 1]);
  const [{ participantId, thresholdMs, remainingMs, beforeStart }] = one.named("warning");
  assert.deepEqual([participantId, thresholdMs, remainingMs, beforeStart], ["ada", 9, 8, false]);
  const [expired] = one.named("expired");
  assert.deepEqual([expired.deadlineMs, expired.participantId], [T0 + 9, undefined]);
  assert.deepEqual(Object.keys(expired), ["deadline_ms", "action"]);
});

test("a PERIOD_ENDED is emitted as period", () => {
  const one = live().receive("PERIOD_ENDED", { participant_id: "ada", periods_left: 4 });
  one.receive("PERIOD_ENDED", { group_id: "red", periods_left: 1 });
  assert.deepEqual(one.named("period"), [
    { participant_id: "ada", periods_left: 4 },
    { group_id: "red", periods_left: 1 },
  ]);
});
