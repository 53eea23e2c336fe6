import { instantOf } from "./instants.js";

/** Wait for the message so long after a state shows the expiry: the message has more detail. */
const GRACE_MS = 300;
const REMEMBERED = 64;

/**
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {{participantId?: string, groupId?: string}} Owner with neither id, the session
 * @typedef {Owner & {deadlineMs: number, action: object}} Expired
 * @typedef {object} Fall an expiry after `since` and not after `until`, server ms
 * @property {Owner} owner
 * @property {number} since
 * @property {number} until
 */

/**
 * Remembers which expiries (flag falls) were reported, so that each is reported once, even if its
 * message is late or lost. Methods return the events to emit now.
 */
export class Flags {
  /** @type {Fall[]} */
  #told = [];
  /** @type {{fall: Fall, event: Expired, due: number}[]} */
  #awaited = [];

  /** When to call `giveUp` next, on the clock of `at`. */
  get due() {
    return Math.min(Infinity, ...this.#awaited.map(({ due }) => due));
  }

  /** @returns {Expired[]} the events to emit for a `TIME_EXPIRED` message */
  heard({ participant_id, group_id, deadline_ms, action_applied }) {
    const owner = ownerOf(participant_id, group_id);
    const fall = { owner, since: deadline_ms - 1, until: deadline_ms };
    if (this.#isTold(fall)) return [];
    this.#awaited = this.#awaited.filter((awaited) => !mayBeTheSame(awaited.fall, fall));
    return [this.#tell(fall, { ...owner, deadlineMs: deadline_ms, action: action_applied })];
  }

  /**
   * The events to emit for a newer state.
   *
   * @param {SessionState} previous
   * @param {SessionState} state
   * @param {number} at local ms
   * @param {boolean} waits whether a message may still come
   * @returns {Expired[]}
   */
  seen(previous, state, at, waits) {
    const told = [];
    for (const owner of ownersFallen(previous, state)) {
      const { fall, event } = fallOf(owner, previous, state);
      if (this.#isTold(fall)) continue;
      if (this.#awaited.some((awaited) => mayBeTheSame(awaited.fall, fall))) continue;
      if (waits) this.#awaited.push({ fall, event, due: at + GRACE_MS });
      else told.push(this.#tell(fall, event));
    }
    return told;
  }

  /** @returns {Expired[]} the events whose messages didn't come in time */
  giveUp(at) {
    const overdue = this.#awaited.filter(({ due }) => due <= at);
    this.#awaited = this.#awaited.filter(({ due }) => due > at);
    return overdue.map(({ fall, event }) => this.#tell(fall, event));
  }

  #tell(fall, event) {
    this.#told.push(fall);
    if (this.#told.length > REMEMBERED) this.#told.shift();
    return event;
  }

  #isTold(fall) {
    return this.#told.some((told) => mayBeTheSame(told, fall));
  }
}

/** Whose clocks expired between two states, as far as the states show it. */
function ownersFallen(previous, state) {
  const fallen = newlyExpired(previous, state);
  // The clock of the skipped participant may already be full again.
  if (!fallen.length && wasSkipped(previous, state)) {
    fallen.push(ownerOf(previous.active_participant_id));
  }
  return fallen;
}

function newlyExpired(previous, state) {
  switch (state.sync_mode) {
    case "global":
    case "count_up":
      return sharedExpiry(previous, state);
    case "per_group":
      return newIn(previous.groups, state.groups, "group_id").map((id) => ownerOf(null, id));
    default:
      return newIn(previous.participants, state.participants, "participant_id").map((id) =>
        ownerOf(id),
      );
  }
}

function newIn(before, now, key) {
  const idsOf = (sides = []) => sides.filter((side) => side.has_expired).map((side) => side[key]);
  const known = new Set(idsOf(before));
  return idsOf(now).filter((id) => !known.has(id));
}

/** The expired shared clock: the session's, or the current cycle's. */
function sharedExpiry(previous, state) {
  if (state.status === "expired" && previous.status !== "expired") return [ownerOf()];
  const shows = ({ participants }) => participants.some((one) => one.has_expired);
  if (!shows(state) || shows(previous)) return [];
  return [ownerOf(previous.active_participant_id ?? previous.starts_with)];
}

/** Whether the next cycle began exactly at the deadline of the one before. */
function wasSkipped(previous, state) {
  return (
    ["per_cycle", "global"].includes(state.sync_mode) &&
    previous.status === "running" &&
    previous.deadline_at !== null &&
    previous.deadline_at === state.cycle_started_at &&
    state.cycle_number > previous.cycle_number
  );
}

/** The clock expired at the known deadline, unless a missed change moved it. */
function fallOf(owner, previous, state) {
  const ahead = instantOf(previous.deadline_at);
  const isAhead = ahead !== null && ahead <= state.server_time_ms;
  const deadlineMs = isAhead ? ahead : Date.parse(state.updated_at);
  const isCertain = isAhead && state.version === previous.version + 1;
  return {
    fall: {
      owner,
      since: isCertain ? deadlineMs - 1 : previous.server_time_ms,
      until: isCertain ? deadlineMs : state.server_time_ms,
    },
    event: { ...owner, deadlineMs, action: state.action_on_timeout },
  };
}

/** A state doesn't show which of two shared clocks expired, so a fall without owner matches any. */
function mayBeTheSame(one, other) {
  const keys = [keyOf(one.owner), keyOf(other.owner)];
  const isSame = keys[0] === keys[1] || keys.includes("");
  return isSame && one.since < other.until && other.since < one.until;
}

function keyOf({ participantId, groupId }) {
  return participantId ?? groupId ?? "";
}

function ownerOf(participantId, groupId) {
  if (participantId) return { participantId };
  return groupId ? { groupId } : {};
}
