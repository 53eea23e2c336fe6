import { isSameId } from "./ids.js";
import { timestampMs } from "./timestamp.js";
import { isAtEnd, phaseCount, phasesLeft, shown } from "./wire-clock.js";

/**
 * A session's clocks at an instant, read from the clocks in its last state. No ticks are counted, so
 * clocks can't drift. All functions are pure; `at` is server time, ms.
 *
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {import("./synckairos.js").Participant} Participant
 * @typedef {import("./synckairos.js").Group} Group
 * @typedef {import("./synckairos.js").OvertimeAt} OvertimeAt
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
 * When the session will change without a command: at its start, when a clock reaches zero, or when
 * a scheduled command takes effect.
 *
 * @param {SessionState} state
 * @returns {?number} null if it won't
 */
export function dueAt(state) {
  if (isTerminal(state)) return null;
  return earliest(state.deadline_at, plannedStart(state), state.scheduled?.effective_at);
}

/**
 * Ms until a pending session starts by itself; null if it doesn't.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {?number}
 */
export function startsIn(state, at) {
  const { scheduled } = state;
  const scheduledStart = scheduled?.operation === "start" ? scheduled.effective_at : null;
  const startsAt = earliest(plannedStart(state), scheduledStart);
  return startsAt === null ? null : Math.max(0, startsAt - at);
}

/**
 * Ms until the scheduled command takes effect; null without one.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {?number}
 */
export function scheduledIn(state, at) {
  return state.scheduled ? Math.max(0, timestampMs(state.scheduled.effective_at) - at) : null;
}

function plannedStart(state) {
  return state.status === "pending" ? state.start_at : null;
}

function earliest(...instants) {
  const known = instants.filter(Boolean).map(timestampMs);
  return known.length ? Math.min(...known) : null;
}

/** @returns {?Participant} the participant with that id; null if there is none */
export function participantOf(state, id) {
  return state.participants.find((one) => isSameId(one.participant_id, id)) ?? null;
}

/**
 * Ms on the clock that reaches zero next; null if none counts down.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {?number}
 */
export function nearest(state, at) {
  return valueOf(state.clock, state, at);
}

/**
 * Ms on a participant's clock; null if there is no such participant or no clock.
 *
 * @param {SessionState} state
 * @param {string} participantId
 * @param {number} at
 * @returns {?number}
 */
export function remaining(state, participantId, at) {
  return valueOf(participantOf(state, participantId)?.clock, state, at);
}

/**
 * Ms on a group's clock; null if it has none.
 *
 * @param {SessionState} state
 * @param {Group} group
 * @param {number} at
 * @returns {?number}
 */
export function remainingOf(state, group, at) {
  return valueOf(group.clock, state, at);
}

/**
 * Ms on the session's clock and on the cycle's clock; null where there is none.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {{session: ?number, cycle: ?number}}
 */
export function sharedClocks(state, at) {
  return {
    session: valueOf(state.session_clock, state, at),
    cycle: valueOf(state.cycle_clock, state, at),
  };
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
  if (!participant.is_active) return participant.time_used_ms;
  const ran = elapsed(state, at) - elapsed(state, state.server_time_ms);
  return participant.time_used_ms + ran;
}

/**
 * Ms that the session has run, without pauses; null if an older service sent the state.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {?number}
 */
export function elapsed(state, at) {
  return valueOf(state.elapsed_clock, state, at);
}

/**
 * The overtime of a participant or group; null if its time control has none.
 *
 * @param {SessionState} state
 * @param {Participant|Group} owner
 * @param {number} at
 * @returns {?OvertimeAt}
 */
export function overtime(state, { clock, overtime: sent }, at) {
  if (!sent) return null;
  const { in_use: wasInUse, periods_left: periods, turns_left: turnsLeft } = sent;
  const begun = clock ? begunSince(clock, state, at) : 0;
  const inUse = wasInUse || begun > 0 || (valueOf(clock, state, at) ?? 1) <= 0;
  return {
    inUse,
    ...(periods !== undefined && { periodsLeft: periodsLeft(periods, wasInUse, begun) }),
    ...(turnsLeft !== undefined && { turnsLeft }),
  };
}

/** Whether a clock has nothing left: its flag has fallen. False without a clock. */
export function hasFallen(state, clock, at) {
  if (clock === undefined) return false;
  if (state.overtime) return valueOf(clock, state, at) <= 0;
  return isAtEnd(clock, state.server_time_ms, at);
}

/**
 * Ms by which a participant's clock or, without an id, the running clock is below zero; null if the
 * session doesn't count time below zero, or has no such clock.
 *
 * @param {SessionState} state
 * @param {?string} [participantId]
 * @param {number} at
 * @returns {?number}
 */
export function over(state, participantId, at) {
  if (!state.overtime) return null;
  const { session, cycle } = sharedClocks(state, at);
  const values = participantId
    ? [remaining(state, participantId, at)]
    : [nearest(state, at), session, cycle];
  const shownValues = values.filter((value) => value !== null);
  return shownValues.length ? Math.max(0, -Math.min(...shownValues)) : null;
}

/**
 * Ms by which the programme is behind its plan; null without a programme.
 *
 * @param {SessionState} state
 * @param {number} at
 * @returns {?number}
 */
export function offset(state, at) {
  if (state.offset_ms === undefined) return null;
  return state.offset_ms + over(state, null, at) - over(state, null, state.server_time_ms);
}

/** How many phases have begun since the state; the last one's end counts too. */
function begunSince(clock, state, at) {
  const further = phasesLeft(clock, state.server_time_ms, at);
  const isOver = isAtEnd(clock, state.server_time_ms, at);
  return phaseCount(clock) - further + (isOver ? 1 : 0);
}

/** The first phase that begins outside of overtime is the current period, and not a lost one. */
function periodsLeft(periods, wasInUse, begun) {
  return Math.max(0, periods - (wasInUse ? begun : Math.max(0, begun - 1)));
}

function valueOf(clock, state, at) {
  return clock ? shown(clock, state.server_time_ms, at) : null;
}
