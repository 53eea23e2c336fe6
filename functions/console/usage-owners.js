import { elapsed, nearest, used } from "/clients/js/synckairos.js";

/**
 * @typedef {object} Owner one whose time is shown: a participant, a group, or the session
 * @property {string} key
 * @property {string} name
 * @property {(state: object) => boolean} isActive
 * @property {(state: object, at: number) => number} total ms used at a server time
 * @property {(turn: import("./turns.js").Turn) => boolean} owns
 * @property {(turn: import("./turns.js").Turn) => string} turnName
 */

/** @returns {Owner[]} */
export function usageOwners(state, naming) {
  if (state.groups?.length) return state.groups.map((group) => groupOwner(state, group, naming));
  const { participants } = state;
  if (!participants.length) return [everybody(state)];
  return participants.map((one) => personOwner(one, naming, participants.length === 1));
}

function personOwner({ participant_id: id }, naming, isAlone) {
  return {
    key: id,
    name: naming.participant(id),
    isActive: (state) => find(state, id)?.is_active ?? false,
    total: (state, at) => totalOf(state, [find(state, id)], at),
    owns: (turn) => turn.participantId === id || isAlone,
    turnName: ({ cycle }) => `Turn ${cycle}`,
  };
}

function groupOwner({ participants }, { group_id: id }, naming) {
  const members = new Set(
    participants.filter((p) => p.group_id === id).map((p) => p.participant_id),
  );
  const present = (state) => state.participants.filter((p) => members.has(p.participant_id));
  return {
    key: id,
    name: naming.group(id),
    isActive: (state) => present(state).some((p) => p.is_active),
    total: (state, at) => totalOf(state, present(state), at),
    owns: (turn) => turn.groupId === id || members.has(turn.participantId),
    turnName: ({ cycle, participantId }) =>
      participantId ? `Turn ${cycle}, ${naming.participant(participantId)}` : `Turn ${cycle}`,
  };
}

function everybody({ sync_mode: mode }) {
  const word = mode === "count_up" ? "Lap" : "Cycle";
  return {
    key: "everybody",
    name: "Everyone",
    isActive: () => true,
    total: ranFor,
    owns: () => true,
    turnName: ({ cycle }) => `${word} ${cycle}`,
  };
}

/** Without participants nobody's used time says how long the session ran; its own clock does. */
function ranFor(state, at) {
  const { session_started_at: started, time_per_cycle_ms: cycle } = state;
  const whole = state.sync_mode === "count_up" ? state.max_time_ms : state.total_time_ms;
  if (!started || cycle !== null || whole === undefined) return elapsed(state, at);
  return whole - nearest(state, at);
}

function find({ participants }, id) {
  return participants.find((p) => p.participant_id === id);
}

function totalOf(state, ones, at) {
  return ones.reduce((sum, one) => sum + (one ? used(state, one, at) : 0), 0);
}
