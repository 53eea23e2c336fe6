import { elapsed, used } from "/clients/js/synckairos.js";

/**
 * @typedef {object} TimeOwner a participant, a group, or the session as the owner of used time
 * @property {string} key
 * @property {string} name
 * @property {(state: object) => boolean} isActive
 * @property {(state: object, at: number) => number} total ms used at a server time (ms)
 * @property {(turn: import("./turns.js").Turn) => boolean} owns
 * @property {(turn: import("./turns.js").Turn) => string} turnName
 */

/** @returns {TimeOwner[]} */
export function timeOwnersOf(state, names) {
  if (state.groups?.length) return state.groups.map((group) => groupOwner(state, group, names));
  const { participants } = state;
  if (!participants.length) return [sessionOwner(state)];
  return participants.map((one) => personOwner(one, names, participants.length === 1));
}

function personOwner({ participant_id: id }, names, isAlone) {
  return {
    key: id,
    name: names.participant(id),
    isActive: (state) => find(state, id)?.is_active ?? false,
    total: (state, at) => totalOf(state, [find(state, id)], at),
    owns: (turn) => turn.participantId === id || isAlone,
    turnName: ({ cycle }) => `Turn ${cycle}`,
  };
}

function groupOwner({ participants }, { group_id: id }, names) {
  const members = new Set(
    participants.filter((p) => p.group_id === id).map((p) => p.participant_id),
  );
  const present = (state) => state.participants.filter((p) => members.has(p.participant_id));
  return {
    key: id,
    name: names.group(id),
    isActive: (state) => present(state).some((p) => p.is_active),
    total: (state, at) => totalOf(state, present(state), at),
    owns: (turn) => turn.groupId === id || members.has(turn.participantId),
    turnName: ({ cycle, participantId }) =>
      participantId ? `Turn ${cycle}, ${names.participant(participantId)}` : `Turn ${cycle}`,
  };
}

function sessionOwner({ sync_mode: mode }) {
  const word = mode === "count_up" ? "Lap" : "Round";
  return {
    key: "session",
    name: "Everyone",
    isActive: () => true,
    total: (state, at) => elapsed(state, at) ?? 0,
    owns: () => true,
    turnName: ({ cycle }) => `${word} ${cycle}`,
  };
}

function find({ participants }, id) {
  return participants.find((p) => p.participant_id === id);
}

function totalOf(state, ones, at) {
  return ones.reduce((sum, one) => sum + (one ? used(state, one, at) : 0), 0);
}
