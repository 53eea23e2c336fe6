/** A session's clocks, read from the clocks of its state. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  elapsed,
  hasFallen,
  nearest,
  offset,
  over,
  overtime,
  remaining,
  remainingOf,
  scheduledIn,
  sharedClocks,
  startsIn,
  used,
} from "../synckairos.js";
import { T0, at, chess, clock, person, session } from "./states.mjs";

const UUID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10";

for (const [after, left] of [
  [-40, 10_000],
  [0, 10_000],
  [1, 9_999],
  [4_000, 6_000],
  [10_000, 0],
  [60_000, 0],
]) {
  test(`only the active clock runs, and never below zero: after ${after} ms`, () => {
    assert.equal(remaining(chess(), "ada", T0 + after), left);
    assert.equal(remaining(chess(), "ben", T0 + after), 9_000);
    assert.equal(nearest(chess(), T0 + after), left);
  });
}

for (const status of ["paused", "expired", "completed", "cancelled", "pending"]) {
  test(`clocks stand still while the session is ${status}`, () => {
    const state = chess({ status, cycle_started_at: null, deadline_at: null });
    assert.equal(remaining(state, "ada", T0 + 5_000), 10_000);
    assert.equal(elapsed(state, T0 + 5_000), 0);
  });
}

test("clocks don't depend on the mode or on other fields of the state", () => {
  for (const sync_mode of ["per_cycle", "per_group", "global", "count_up", "a future mode"]) {
    const fields = { sync_mode, time_per_cycle_ms: 1_000, total_time_ms: 2_000, max_time_ms: 1 };
    const state = chess({ ...fields, deadline_at: null, time_remaining_ms: 7 });
    assert.equal(remaining(state, "ada", T0 + 4_000), 6_000);
    assert.equal(nearest(state, T0 + 4_000), 6_000);
    assert.equal(elapsed(state, T0 + 4_000), 4_000);
  }
});

test("only a pending session with an instant starts by itself", () => {
  const pending = { status: "pending", cycle_started_at: null, deadline_at: null };
  const scheduled = chess({ ...pending, start_at: at(20_000) });
  assert.deepEqual([startsIn(scheduled, T0 + 500), startsIn(scheduled, T0 + 20_500)], [19_500, 0]);
  assert.equal(startsIn(chess(pending), T0), null);
  assert.equal(startsIn(chess({ start_at: at(20_000) }), T0), null);
});

test("a scheduled start counts too, and each scheduled command can be counted down to", () => {
  const pending = { status: "pending", cycle_started_at: null, deadline_at: null };
  const scheduled = (operation) => ({ operation, effective_at: at(9_000) });
  const starting = chess({ ...pending, start_at: at(20_000), scheduled: scheduled("start") });
  assert.deepEqual([startsIn(starting, T0), scheduledIn(starting, T0)], [9_000, 9_000]);
  const pausing = chess({ scheduled: scheduled("pause") });
  assert.deepEqual([startsIn(pausing, T0), scheduledIn(pausing, T0 + 9_500)], [null, 0]);
  assert.equal(scheduledIn(chess(), T0), null);
});

test("an unknown participant has no clock", () => {
  assert.equal(remaining(chess(), "cleo", T0), null);
});

test("UUIDs are found in any case, other ids only as they are", () => {
  const people = [person(UUID, 10_000), person("Ada", 9_000), person("ada", 8_000)];
  const state = session("per_participant", people);
  const left = (id) => remaining(state, id, T0);
  assert.deepEqual([left(UUID), left(UUID.toUpperCase())], [10_000, 10_000]);
  assert.deepEqual([left("Ada"), left("ada"), left("ADA")], [9_000, 8_000, null]);
});

test("without a clock there is no time left", () => {
  const state = session("count_up", [person("ada")]);
  assert.deepEqual([remaining(state, "ada", T0), nearest(state, T0)], [null, null]);
  assert.deepEqual(sharedClocks(state, T0), { session: null, cycle: null });
});

test("an expired clock stays at zero while the session runs", () => {
  const ada = person("ada", 0, { is_active: true, time_used_ms: 10_000 });
  const stopped = { elapsed_clock: clock(10_000) };
  const state = session("per_participant", [ada, person("ben", 9_000)], stopped);
  assert.equal(remaining(state, "ada", T0 + 5_000), 0);
  assert.equal(used(state, ada, T0 + 5_000), 10_000);
  assert.equal(hasFallen(state, ada.clock, T0 + 5_000), true);
});

test("used time grows with the elapsed time, for the active participant only", () => {
  const [ada, ben] = [
    person("ada", 5_000, { is_active: true, time_used_ms: 700 }),
    person("ben", 9_000, { time_used_ms: 300 }),
  ];
  const elapsed_clock = clock(1_000, 1, { ceiling_ms: 6_000 });
  const state = session("per_participant", [ada, ben], { elapsed_clock });
  assert.deepEqual([used(state, ada, T0 + 200), used(state, ben, T0 + 200)], [900, 300]);
  assert.equal(used(state, ada, T0 + 90_000), 5_700);
});

test("a group and its members have the group's clock", () => {
  const red = clock(30_000, -1);
  const people = [
    person("ada", 30_000, { is_active: true, group_id: "red", clock: red }),
    person("cleo", 30_000, { group_id: "red", clock: red }),
    person("ben", 40_000, { group_id: "blue" }),
  ];
  const groups = [
    { group_id: "red", clock: red },
    { group_id: "blue", clock: clock(40_000) },
  ];
  const state = session("per_group", people, { groups });
  const shown = ["ada", "cleo", "ben"].map((id) => remaining(state, id, T0 + 1_000));
  assert.deepEqual(shown, [29_000, 29_000, 40_000]);
  const banks = state.groups.map((group) => remainingOf(state, group, T0 + 1_000));
  assert.deepEqual(banks, [29_000, 40_000]);
});

test("the session's clock and the cycle's are independent", () => {
  const clocks = { session_clock: clock(60_000, -1), cycle_clock: clock(3_000, -1) };
  const state = session("global", [], clocks);
  assert.deepEqual(sharedClocks(state, T0 + 4_000), { session: 56_000, cycle: 0 });
});

test("a participant who joins late changes neither the elapsed time nor the session's clock", () => {
  const clocks = {
    elapsed_clock: clock(2_006, 1),
    session_clock: clock(57_994, -1),
    cycle_clock: clock(8_000, -1),
    total_time_ms: 60_000,
    time_per_cycle_ms: 10_000,
  };
  const empty = session("global", [], clocks);
  const joined = session("global", [person("ada", 8_000, { is_active: true })], clocks);
  for (const at of [T0, T0 + 304]) {
    assert.equal(elapsed(joined, at), elapsed(empty, at));
    assert.deepEqual(sharedClocks(joined, at), sharedClocks(empty, at));
  }
  assert.equal(elapsed(joined, T0 + 304), 2_310);
  assert.equal(sharedClocks(joined, T0 + 304).session, 57_690);
});

/** Ada's clock in byo-yomi: `left` ms, then `count` periods of 30 s. */
function byoYomi(left, count, sent) {
  const phases = [{ ms: 30_000, count }];
  return person("ada", left, { clock: clock(left, -1, { phases }), overtime: sent });
}

for (const [name, ada, expected] of [
  ["in the bank", byoYomi(2_000, 5, { in_use: false, periods_left: 5 }), [1_999, false, 5]],
  ["the bank is empty", byoYomi(2_000, 5, { in_use: false, periods_left: 5 }), [2_000, true, 5]],
  ["in the next one", byoYomi(2_000, 5, { in_use: false, periods_left: 5 }), [32_000, true, 4]],
  ["already in use", byoYomi(2_000, 4, { in_use: true, periods_left: 5 }), [1_999, true, 5]],
  ["one is gone", byoYomi(2_000, 4, { in_use: true, periods_left: 5 }), [2_000, true, 4]],
  ["the last one", byoYomi(2_000, 4, { in_use: true, periods_left: 5 }), [121_999, true, 1]],
  ["all are gone", byoYomi(2_000, 4, { in_use: true, periods_left: 5 }), [122_000, true, 0]],
]) {
  test(`the periods that are left at an instant: ${name}`, () => {
    const [after, inUse, periodsLeft] = expected;
    const state = session("per_participant", [ada]);
    assert.deepEqual(overtime(state, ada, T0 + after), { inUse, periodsLeft });
    assert.equal(hasFallen(state, ada.clock, T0 + after), periodsLeft === 0);
  });
}

test("an overtime below zero is in use from zero on, and ends at its floor", () => {
  const ada = person("ada", 61_000, {
    clock: clock(1_000, -1, { floor_ms: -60_000 }),
    overtime: { in_use: false },
  });
  const state = session("per_participant", [ada]);
  const inUse = [999, 1_000, 61_000].map((after) => overtime(state, ada, T0 + after).inUse);
  assert.deepEqual(inUse, [false, true, true]);
  assert.equal(remaining(state, "ada", T0 + 6_000), -5_000);
  const fallen = [1_000, 60_999, 61_000].map((after) => hasFallen(state, ada.clock, T0 + after));
  assert.deepEqual(fallen, [false, false, true]);
});

test("a participant without overtime has none", () => {
  assert.equal(overtime(chess(), chess().participants[0], T0), null);
});

const BELOW = clock(1_000, -1, { floor_ms: -60_000 });

test("with overtime a clock goes on below zero, and says by how much", () => {
  const people = [person("ada", 1_000, { is_active: true, clock: BELOW }), person("ben", 9_000)];
  const state = session("per_participant", people, { overtime: true, clock: BELOW });
  assert.equal(remaining(state, "ada", T0 + 4_000), -3_000);
  assert.equal(over(state, "ada", T0 + 4_000), 3_000);
  assert.equal(over(state, null, T0 + 4_000), 3_000);
  assert.equal(over(state, "ben", T0 + 4_000), 0);
  assert.equal(over(state, "nobody", T0 + 4_000), null);
  assert.equal(over(chess(), null, T0 + 99_000), null, "without overtime");
  assert.deepEqual(
    [999, 1_000, 4_000].map((ms) => hasFallen(state, BELOW, T0 + ms)),
    [false, true, true],
  );
});

test("of two shared clocks the one further below zero is over", () => {
  const clocks = { session_clock: clock(2_000, -1, { floor_ms: -60_000 }), cycle_clock: BELOW };
  const state = session("global", [], { overtime: true, clock: BELOW, ...clocks });
  assert.equal(over(state, null, T0 + 5_000), 4_000);
});

test("the offset of a programme grows while its item is below zero", () => {
  const programme = { overtime: true, offset_ms: -500, clock: BELOW, cycle_clock: BELOW };
  const state = session("global", [], programme);
  assert.equal(offset(state, T0 + 1_000), -500);
  assert.equal(offset(state, T0 + 4_000), 2_500);
  assert.equal(offset(session("global", [], { offset_ms: 700 }), T0 + 4_000), 700);
  assert.equal(offset(chess(), T0), null);
});
