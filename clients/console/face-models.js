import {
  elapsed,
  hasFallen,
  nearest,
  overtime,
  remaining,
  remainingOf,
  sharedClocks,
  used,
} from "/clients/js/synckairos.js";
import { count } from "./format.js";
import { resultOf } from "./game-result.js";
import { itemTitle } from "./questions.js";
import { takesTurns, turnWords } from "./turn-words.js";

/**
 * @typedef {object} FaceModel one clock on the page
 * @property {string} key identifies the clock across states
 * @property {string} name
 * @property {string} detail
 * @property {boolean} isActive whether this clock runs now, or runs next
 * @property {boolean} [isUpward] whether it counts up
 * @property {boolean} [isShared] whether it belongs to all participants
 * @property {boolean} [isWinner]
 * @property {boolean} [isRetired] whether its participant takes no more turns
 * @property {string} [participantId] the participant to switch to, whose clock may be adjusted
 * @property {object[]} [members]
 * @property {(at: number) => ?number} read the clock's ms at a server time (ms)
 * @property {(at: number) => boolean} hasFallen whether the clock has nothing left
 * @property {(at: number) => ?import("/clients/js/synckairos.js").OvertimeAt} [readOvertime]
 * @property {(at: number) => ?number} [readLeft] ms until a clock that counts up stops
 * @property {(at: number) => number} [readUsed] ms that the participant has used
 */

/** The active participant, or the one who starts. @returns {?string} */
export function currentId(state) {
  return state.active_participant_id ?? state.starts_with ?? null;
}

/**
 * The clocks to show for a state.
 *
 * @returns {FaceModel[]}
 */
export function faceModels(state, names) {
  switch (state.sync_mode) {
    case "per_group":
      return state.groups.map((group) => groupFace(state, group, names));
    case "global":
      return globalFaces(state, names);
    case "count_up":
      return [elapsedFace(state, names)];
    default:
      return state.participants.map((one) => participantFace(state, one, names));
  }
}

function participantFace(state, one, names) {
  const id = one.participant_id;
  return {
    key: id,
    name: names.participant(id),
    detail: count(one.cycle_count, "turn"),
    isActive: id === currentId(state),
    isWinner: winnerId(state) === id,
    isRetired: one.is_retired,
    participantId: id,
    read: (at) => remaining(state, id, at),
    hasFallen: (at) => hasFallen(state, one.clock, at),
    readOvertime: (at) => overtime(state, one, at),
    readUsed: (at) => used(state, one, at),
  };
}

function groupFace(state, group, names) {
  const members = state.participants.filter((p) => p.group_id === group.group_id);
  const playing = members.filter((p) => !p.is_retired);
  const fewest = Math.min(...playing.map((p) => p.cycle_count));
  const played = members.reduce((sum, p) => sum + p.cycle_count, 0);
  const current = members.find((p) => p.participant_id === currentId(state));
  const active = current ?? playing.find((p) => p.cycle_count === fewest) ?? members[0];
  return {
    key: group.group_id,
    name: names.group(group.group_id),
    detail: count(played, "turn"),
    isActive: current !== undefined,
    isWinner: winnerId(state) === group.group_id,
    isRetired: members.length > 0 && !playing.length,
    participantId: active?.participant_id,
    members: members.map((p) => ({
      id: p.participant_id,
      name: names.participant(p.participant_id),
      isActive: p === current,
      isRetired: p.is_retired,
    })),
    read: (at) => remainingOf(state, group, at),
    hasFallen: (at) => hasFallen(state, group.clock, at),
    readOvertime: (at) => overtime(state, group, at),
  };
}

/** The cycle's clock, the session's, or both; of two, the cycle's is the active one. */
function globalFaces(state, names) {
  const active = currentId(state);
  const participantId = active ?? state.participants[0]?.participant_id;
  const whose = active ? names.participant(active) : undefined;
  const turn = state.items ? itemTitle(state) : whose;
  const { session_clock: sessionClock, cycle_clock: cycleClock } = state;
  const round = `${turnWords(state).turn} ${Math.max(1, state.cycle_number)}`;
  const cycle = {
    key: "cycle",
    name: turn ?? round,
    detail: turn ? round : "",
    isActive: true,
    isShared: true,
    participantId,
    read: (at) => sharedClocks(state, at).cycle,
    hasFallen: (at) => hasFallen(state, cycleClock, at),
  };
  const whole = {
    key: "session",
    name: cycleClock ? "Total" : (turn ?? "Everyone"),
    detail: cycleClock || !state.cycle_number || !takesTurns(state) ? "" : round,
    isActive: !cycleClock,
    isShared: true,
    participantId: cycleClock ? undefined : participantId,
    read: (at) => sharedClocks(state, at).session,
    hasFallen: (at) => hasFallen(state, sessionClock, at),
  };
  if (!cycleClock) return [whole];
  return sessionClock ? [cycle, whole] : [cycle];
}

function elapsedFace(state, names) {
  const active = currentId(state);
  return {
    key: "elapsed",
    name: state.cycle_number ? `${turnWords(state).turn} ${state.cycle_number}` : "Ready",
    detail: active ? names.participant(active) : "",
    isActive: true,
    isUpward: true,
    read: (at) => elapsed(state, at),
    readLeft: (at) => nearest(state, at),
    hasFallen: (at) => hasFallen(state, state.clock, at),
  };
}

/** The side that has won: by the result of the game, or as the only one with time left; else null. */
function winnerId(state) {
  const result = resultOf(state);
  if (result) return result.winner;
  if (state.status !== "expired" || state.action_on_timeout.winner_by !== "time") return null;
  const sides = state.sync_mode === "per_group" ? state.groups : state.participants;
  const [one, ...others] = sides.filter((side) => !side.has_expired);
  return one && !others.length ? (one.group_id ?? one.participant_id) : null;
}
