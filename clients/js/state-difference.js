import { isSameLife } from "./versions.js";
import { shown } from "./wire-clock.js";

/**
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {import("./synckairos.js").Participant} Participant
 * @typedef {import("./wire-clock.js").WireClock} WireClock
 */

/**
 * The whole state after a change, from the state before it and the difference between them. In a
 * session with many individual clocks, a push has only the participants that changed
 * (docs/realtime.md of the service). The clocks of all others run on until the new state's instant.
 *
 * @param {?SessionState} held
 * @param {{since: number, state: SessionState}} difference its state has only the participants
 *   that were added or changed
 * @returns {?SessionState} null if `held` isn't the state that the difference refers to
 */
export function applyDifference(held, { since, state }) {
  if (!held || held.version !== since || !isSameLife(held, state)) return null;
  const changed = new Set(state.participants.map((one) => one.participant_id));
  const elapsed = state.server_time_ms - held.server_time_ms;
  const kept = held.participants
    .filter((one) => !changed.has(one.participant_id))
    .map((one) => later(one, elapsed));
  const participants = [...kept, ...state.participants];
  participants.sort((one, two) => one.participant_index - two.participant_index);
  return { ...state, participants };
}

/**
 * An unchanged participant as it is `elapsed` ms later in a running session.
 *
 * @param {Participant} participant
 */
function later(participant, elapsed) {
  const { clock, time_remaining_ms: remaining, total_time_ms: limit } = participant;
  const now = { ...participant };
  if (participant.is_active) now.time_used_ms += elapsed;
  if (clock) now.clock = laterClock(clock, elapsed);
  if (remaining !== undefined) {
    // Without a limit, it is the time until the participant's closing time.
    const hasLimit = limit !== undefined && clock;
    now.time_remaining_ms = hasLimit ? now.clock.left_ms : Math.max(0, remaining - elapsed);
  }
  return now;
}

/**
 * The same line, described from `elapsed` ms later on.
 *
 * @param {WireClock} clock
 * @returns {WireClock}
 */
function laterClock({ hold_ms: hold = 0, ...clock }, elapsed) {
  const left_ms = shown({ hold_ms: hold, ...clock }, 0, elapsed);
  if (hold > elapsed) return { ...clock, left_ms, hold_ms: hold - elapsed };
  return { ...clock, left_ms, rate: left_ms || clock.rate > 0 ? clock.rate : 0 };
}
