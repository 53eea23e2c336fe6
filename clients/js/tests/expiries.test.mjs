/** Each expiry is emitted exactly once. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { LogicHarness } from "./session-logic-harness.mjs";
import { T0, at, chess, person, session } from "./states.mjs";

const DEADLINE = T0 + 10_000;
const MESSAGE = {
  participant_id: "ada",
  deadline_ms: DEADLINE,
  action_applied: { type: "notify", outcome: "loss" },
};
const ADA = { participant_id: "ada", deadline_ms: DEADLINE };

/** A state in which Ada's clock has expired. */
function fallen(version = 2, more = {}) {
  const ada = person("ada", 0, { is_active: true, time_used_ms: 10_000 });
  return chess({
    version,
    participants: [ada, person("ben", 9_000)],
    deadline_at: null,
    time_remaining_ms: 0,
    updated_at: at(10_000),
    server_time_ms: DEADLINE,
    ...more,
  });
}

function live() {
  return new LogicHarness().join().sync(chess());
}

function polled(state = chess()) {
  return new LogicHarness().leave({ soon: true }).pass(0).found(state);
}

/** The expiries emitted, without the action. */
function expired(one) {
  return one.named("expired").map(({ action, ...rest }) => rest);
}

test("emitted for its message, before the state", () => {
  const one = live().receive("TIME_EXPIRED", MESSAGE);
  assert.deepEqual(one.named("expired"), [{ ...ADA, action: MESSAGE.action_applied }]);
  one.push(fallen(), "time_expired").pass(1000);
  assert.deepEqual(expired(one), [ADA]);
});

test("emitted for its message, even if the state came first", () => {
  const one = live().push(fallen(), "time_expired").pass(299);
  assert.deepEqual(expired(one), []);
  one.receive("TIME_EXPIRED", MESSAGE).pass(1000);
  assert.deepEqual(one.named("expired"), [{ ...ADA, action: MESSAGE.action_applied }]);
});

test("emitted for the state, if no message comes within 300 ms", () => {
  const one = live().push(fallen(), "time_expired").pass(300);
  assert.deepEqual(expired(one), [ADA]);
  one.receive("TIME_EXPIRED", MESSAGE);
  assert.deepEqual(expired(one), [ADA]);
});

test("emitted for the state at once, if no pushes arrive", () => {
  const one = polled().pass(1000).found(fallen());
  assert.deepEqual(expired(one), [ADA]);
  assert.deepEqual(
    one.emitted.map(({ emit }) => emit).filter((name) => name !== "existence"),
    ["update", "expired", "update"],
  );
});

test("emitted once, however often the message comes", () => {
  const one = live().receive("TIME_EXPIRED", MESSAGE).receive("TIME_EXPIRED", MESSAGE);
  one.push(fallen()).receive("TIME_EXPIRED", MESSAGE).pass(1000);
  assert.deepEqual(expired(one), [ADA]);
});

test("not emitted if the first state already shows it", () => {
  const one = new LogicHarness().join().sync(fallen(2)).push(fallen(3)).pass(1000);
  assert.deepEqual(expired(one), []);
});

test("emitted again if the clock was adjusted and expires again", () => {
  const revived = chess({ version: 3, deadline_at: at(25_000), time_remaining_ms: 5_000 });
  revived.server_time_ms = T0 + 20_000;
  const again = fallen(4, { server_time_ms: T0 + 25_000, updated_at: at(25_000) });
  const later = { ...ADA, deadline_ms: T0 + 25_000 };
  const one = polled().pass(1000).found(fallen()).pass(1000).found(revived).pass(1000).found(again);
  assert.deepEqual(expired(one), [ADA, later]);
  const pushed = live().receive("TIME_EXPIRED", MESSAGE).push(fallen()).push(revived);
  pushed
    .receive("TIME_EXPIRED", { ...MESSAGE, deadline_ms: T0 + 25_000 })
    .push(again)
    .pass(1000);
  assert.deepEqual(expired(pushed), [ADA, later]);
});

test("emitted after a gap, with the best known instant", () => {
  const ben = person("ben", 0, { is_active: true });
  const state = chess({
    version: 4,
    participants: [person("ada", 8_000), ben],
    updated_at: at(6_000),
    server_time_ms: T0 + 6_500,
    deadline_at: null,
  });
  const one = polled().pass(1000).found(state);
  assert.deepEqual(expired(one), [{ participant_id: "ben", deadline_ms: T0 + 6_000 }]);
  one
    .join()
    .receive("TIME_EXPIRED", { participant_id: "ben", deadline_ms: T0 + 6_000 })
    .pass(1000);
  assert.equal(expired(one).length, 1);
});

function turns(mode, more = {}) {
  const people = [person("ada", 10_000, { is_active: true }), person("ben", 10_000)];
  const cycle = { time_per_cycle_ms: 10_000, deadline_at: at(10_000), time_remaining_ms: 10_000 };
  return session(mode, people, { ...cycle, ...more });
}

function nextTurn(mode, startedAt = 10_000) {
  const people = [person("ada", 10_000), person("ben", 10_000, { is_active: true })];
  return turns(mode, {
    version: 2,
    participants: people,
    active_participant_id: "ben",
    cycle_number: 2,
    cycle_started_at: at(startedAt),
    deadline_at: at(startedAt + 10_000),
    server_time_ms: T0 + startedAt,
    updated_at: at(startedAt),
  });
}

for (const mode of ["per_cycle", "global"]) {
  test(`emitted for a skipped cycle in ${mode}, though its clock is full again`, () => {
    assert.deepEqual(expired(polled(turns(mode)).pass(1000).found(nextTurn(mode))), [ADA]);
  });

  test(`not emitted for a cycle that was switched in time, in ${mode}`, () => {
    assert.deepEqual(expired(polled(turns(mode)).pass(1000).found(nextTurn(mode, 9_999))), []);
  });
}

test("emitted once for a clock shared by all participants", () => {
  const over = turns("global", {
    version: 2,
    status: "expired",
    participants: [person("ada", 0), person("ben", 0)],
    session_completed_at: at(10_000),
    updated_at: at(10_000),
    server_time_ms: DEADLINE,
  });
  const one = polled(turns("global")).pass(1000).found(over);
  assert.deepEqual(expired(one), [{ deadline_ms: DEADLINE }]);
  const pushed = new LogicHarness().join().sync(turns("global"));
  pushed.receive("TIME_EXPIRED", { deadline_ms: DEADLINE }).push(over).pass(1000);
  assert.deepEqual(expired(pushed), [{ deadline_ms: DEADLINE }]);
});

test("emitted for a group's bank", () => {
  const red = { group_id: "red", time_remaining_ms: 10_000, is_active: true, has_expired: false };
  const before = chess({ sync_mode: "per_group", groups: [red] });
  const after = fallen(2, {
    sync_mode: "per_group",
    groups: [{ ...red, time_remaining_ms: 0, has_expired: true }],
  });
  const one = polled(before).pass(1000).found(after);
  assert.deepEqual(expired(one), [{ group_id: "red", deadline_ms: DEADLINE }]);
});

test("not emitted for an earlier session with the same id", () => {
  const reborn = chess({ created_at: at(20_000) });
  const one = live().push(reborn).receive("TIME_EXPIRED", MESSAGE);
  assert.deepEqual(expired(one), []);
});
