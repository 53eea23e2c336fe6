/** A session's clocks, computed from its state: the rules of each mode. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { elapsed, nearest, remaining, remainingOf, sharedClocks, used } from "../synckairos.js";
import { T0, at, chess, person, session } from "./states.mjs";

for (const [after, left] of [
  [0, 10_000],
  [1, 9_999],
  [4_000, 6_000],
  [10_000, 0],
  [60_000, 0],
]) {
  test(`only the active clock runs, and never below zero: after ${after} ms`, () => {
    assert.equal(remaining(chess(), "ada", T0 + after), left);
    assert.equal(remaining(chess(), "ben", T0 + after), 9_000);
  });
}

test("an instant before the start of the cycle counts as its start", () => {
  assert.equal(remaining(chess(), "ada", T0 - 40), 10_000);
});

for (const status of ["paused", "expired", "completed", "cancelled", "pending"]) {
  test(`clocks stand still while the session is ${status}`, () => {
    const state = chess({ status, cycle_started_at: null, deadline_at: null });
    assert.equal(remaining(state, "ada", T0 + 5_000), 10_000);
  });
}

test("an unknown participant has no clock", () => {
  assert.equal(remaining(chess(), "cleo", T0), null);
});

test("an expired clock stays at zero while the session runs", () => {
  const ada = person("ada", 0, { is_active: true, time_used_ms: 10_000 });
  const state = session("per_participant", [ada, person("ben", 9_000)], { time_remaining_ms: 0 });
  assert.equal(remaining(state, "ada", T0 + 5_000), 0);
  assert.equal(used(state, ada, T0 + 5_000), 10_000);
});

test("in per_cycle the active clock runs and the others are full", () => {
  const people = [person("ada", 20_000, { is_active: true }), person("ben", 30_000)];
  const running = { deadline_at: at(20_000), time_remaining_ms: 20_000 };
  const state = session("per_cycle", people, running);
  assert.equal(remaining(state, "ada", T0 + 3_000), 17_000);
  assert.equal(remaining(state, "ben", T0 + 3_000), 30_000);
});

test("in per_group all members share the group's bank", () => {
  const people = [
    person("ada", 30_000, { is_active: true, group_id: "red" }),
    person("cleo", 30_000, { group_id: "red" }),
    person("ben", 40_000, { group_id: "blue" }),
  ];
  const state = session("per_group", people, {
    groups: [
      { group_id: "red", time_remaining_ms: 30_000, is_active: true },
      { group_id: "blue", time_remaining_ms: 40_000, is_active: false },
    ],
    active_group_id: "red",
    deadline_at: at(30_000),
    time_remaining_ms: 30_000,
  });
  const shown = ["ada", "cleo", "ben"].map((id) => remaining(state, id, T0 + 1_000));
  assert.deepEqual(shown, [29_000, 29_000, 40_000]);
  const banks = state.groups.map((group) => remainingOf(state, group, T0 + 1_000));
  assert.deepEqual(banks, [29_000, 40_000]);
});

/** A `global` session of a minute with cycles of ten seconds. */
function quiz(cycleLeft, near, usedMs) {
  const left = Math.min(cycleLeft, near);
  const people = [
    person("ada", left, { is_active: true, time_used_ms: usedMs }),
    person("ben", left),
  ];
  const clocks = { total_time_ms: 60_000, time_per_cycle_ms: 10_000, time_remaining_ms: near };
  return session("global", people, clocks);
}

for (const [name, state, clocks] of [
  ["both run", quiz(10_000, 10_000, 0), { session: 56_000, cycle: 6_000 }],
  ["the cycle is over", quiz(0, 50_000, 10_000), { session: 46_000, cycle: 0 }],
  ["the session ends first", quiz(3_000, 3_000, 57_000), { session: 0, cycle: 0 }],
]) {
  test(`global has two clocks: ${name}`, () => {
    assert.deepEqual(sharedClocks(state, T0 + 4_000), clocks);
  });
}

test("count_up adds all used times and the running cycle", () => {
  const ada = person("ada", undefined, { time_used_ms: 7_000 });
  const state = session("count_up", [ada, person("ben", undefined, { is_active: true })]);
  assert.equal(elapsed(state, T0 + 2_000), 9_000);
  assert.equal(nearest(state, T0 + 2_000), null);
});

test("count_up stops at max_time_ms", () => {
  const ada = person("ada", 3_000, { is_active: true, time_used_ms: 7_000 });
  const state = session("count_up", [ada], { max_time_ms: 10_000, time_remaining_ms: 3_000 });
  assert.deepEqual([elapsed(state, T0 + 2_000), nearest(state, T0 + 2_000)], [9_000, 1_000]);
  assert.deepEqual([elapsed(state, T0 + 9_000), nearest(state, T0 + 9_000)], [10_000, 0]);
});
