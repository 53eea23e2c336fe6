/**
 * A session's clocks at an instant, computed from the timestamps in its last state. No ticks are
 * counted, so clocks can't drift. All functions are pure; `at` is server time, ms.
 *
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {import("./synckairos.js").Participant} Participant
 * @typedef {import("./synckairos.js").Group} Group
 */

const TERMINAL = new Set(["expired", "completed", "cancelled"]);

/** @param {SessionState} state */
export function isTerminal(state) {
  return TERMINAL.has(state.status);
}

/** @param {SessionState} state */
export function isRunning(state) {
  return state.status === "running" && state.cycle_started_at !== null;
}

/** @param {SessionState} state */
export function activeGroup(state) {
  return state.groups?.find((group) => group.group_id === state.active_group_id);
}

/**
 * Ms left on the running clock, or the one that would run; null without a countdown.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {?number}
 */
export function nearest(state, at) {
  return leftAt(state, state.time_remaining_ms, true, at);
}

/**
 * Ms left on the clock that applies to a participant; null if there is none.
 *
 * @param {SessionState} state
 * @param {string} participantId
 * @param {number} at
 * @returns {?number}
 */
export function remaining(state, participantId, at) {
  const one = state.participants.find((p) => p.participant_id === participantId);
  return one ? leftAt(state, one.time_remaining_ms, isOnTheClock(state, one), at) : null;
}

/**
 * Ms left in a group's bank.
 *
 * @param {SessionState} state
 * @param {Group} group
 * @param {number} at
 * @returns {number}
 */
export function remainingOf(state, group, at) {
  return leftAt(state, group.time_remaining_ms, group.is_active, at) ?? 0;
}

/**
 * Ms left on the two clocks of a `global` session. `session` is null if the state has a cycle clock
 * but no participants, whose used times are needed to compute the session clock.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {{session: ?number, cycle: ?number}}
 */
export function sharedClocks(state, at) {
  const near = nearest(state, at);
  if (state.time_per_cycle_ms === null) return { session: near, cycle: null };
  const [first] = state.participants;
  const cycle = first ? remaining(state, first.participant_id, at) : near;
  if (!first || state.total_time_ms === undefined) return { session: null, cycle };
  const left = state.total_time_ms - elapsed(state, at);
  return { session: Math.max(left, near ?? 0), cycle };
}

/**
 * Ms that a participant's cycles have taken so far.
 *
 * @param {SessionState} state
 * @param {Participant} participant
 * @param {number} at
 * @returns {number}
 */
export function used(state, participant, at) {
  return participant.time_used_ms + (participant.is_active ? runSince(state, at) : 0);
}

/**
 * Ms that the session has run, without pauses. Without participants there are no used times to add
 * up; then pauses are included.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {number}
 */
export function elapsed(state, at) {
  if (!state.session_started_at) return 0;
  if (!state.participants.length) return sinceStart(state, at);
  const settled = state.participants.reduce((sum, p) => sum + p.time_used_ms, 0);
  return settled + runSince(state, at);
}

function sinceStart(state, at) {
  const until = isRunning(state) ? at : Date.parse(state.session_completed_at ?? state.updated_at);
  return Math.max(0, until - Date.parse(state.session_started_at));
}

/** The running time that the state doesn't include yet. It ends when a clock is at zero. */
function runSince(state, at) {
  if (!isRunning(state)) return 0;
  const ran = clamped(state, at) - state.server_time_ms;
  return Math.min(ran, state.time_remaining_ms ?? Infinity);
}

function isOnTheClock(state, participant) {
  switch (state.sync_mode) {
    case "per_group":
      return participant.group_id === state.active_group_id;
    case "global":
    case "count_up":
      return true;
    default:
      return participant.is_active;
  }
}

/** A clock at zero stays at zero, even while another clock runs. */
function leftAt(state, leftMs, runs, at) {
  if (leftMs === undefined) return null;
  if (!runs || leftMs === 0 || !isRunning(state)) return leftMs;
  const instant = clamped(state, at);
  const left = state.deadline_at
    ? Date.parse(state.deadline_at) - instant
    : leftMs - (instant - state.server_time_ms);
  return Math.max(0, left);
}

/** The estimated server time may lag, so `at` is never before the start of the cycle. */
function clamped(state, at) {
  return Math.max(at, Date.parse(state.cycle_started_at));
}
