import { ownerOf, withOldNames } from "./event-details.js";
import { timestampMs } from "./timestamp.js";
import { EXPIRY_GRACE_MS, MAX_EXPIRIES } from "./timing.js";

/**
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {{participant_id?: string, group_id?: string}} Owner with neither id, the session
 * @typedef {Owner & {deadline_ms: number, action: object}} Expired
 * @typedef {object} Expiry an expiry after `since` and not after `until`, server ms
 * @property {Owner} owner
 * @property {number} since
 * @property {number} until
 */

/**
 * Remembers which expiries (flag falls) were reported, so that each is reported once, even if its
 * message is late or lost. Methods return the events to emit now.
 */
export class ExpiryTracker {
  /** @type {Expiry[]} */
  #reported = [];
  /** @type {{expiry: Expiry, event: Expired, due: number}[]} */
  #pending = [];

  /** When to call `takeOverdue` next, on the clock of `at`. */
  get due() {
    return Math.min(Infinity, ...this.#pending.map(({ due }) => due));
  }

  /** @returns {Expired[]} the events to emit for a `TIME_EXPIRED` message */
  messageReceived({ deadline_ms, action_applied, ...message }) {
    const owner = ownerOf(message);
    const expiry = { owner, since: deadline_ms - 1, until: deadline_ms };
    if (this.#isReported(expiry)) return [];
    this.#pending = this.#pending.filter((pending) => !mayMatch(pending.expiry, expiry));
    return [this.#report(expiry, { ...owner, deadline_ms, action: action_applied })];
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
  stateReceived(previous, state, at, waits) {
    const events = [];
    for (const owner of expiredOwners(previous, state)) {
      const { expiry, event } = expiryOf(owner, previous, state);
      if (this.#isReported(expiry)) continue;
      if (this.#pending.some((pending) => mayMatch(pending.expiry, expiry))) continue;
      if (waits) this.#pending.push({ expiry, event, due: at + EXPIRY_GRACE_MS });
      else events.push(this.#report(expiry, event));
    }
    return events;
  }

  /** @returns {Expired[]} the events whose messages didn't come in time */
  takeOverdue(at) {
    const overdue = this.#pending.filter(({ due }) => due <= at);
    this.#pending = this.#pending.filter(({ due }) => due > at);
    return overdue.map(({ expiry, event }) => this.#report(expiry, event));
  }

  #report(expiry, event) {
    this.#reported.push(expiry);
    if (this.#reported.length > MAX_EXPIRIES) this.#reported.shift();
    return withOldNames(event);
  }

  #isReported(expiry) {
    return this.#reported.some((reported) => mayMatch(reported, expiry));
  }
}

/** Whose clocks expired between two states, as far as the states show it. */
function expiredOwners(previous, state) {
  const owners = newlyExpired(previous, state);
  // The clock of the skipped participant may already be full again.
  if (!owners.length && wasSkipped(previous, state)) {
    owners.push(ownerOf({ participant_id: previous.active_participant_id }));
  }
  return owners;
}

function newlyExpired(previous, state) {
  switch (state.sync_mode) {
    case "global":
    case "count_up":
      return sharedExpiry(previous, state);
    case "per_group":
      return newIn(previous.groups, state.groups, "group_id");
    default:
      return newIn(previous.participants, state.participants, "participant_id");
  }
}

/** The sides with an expired clock, as owners, that had none before. */
function newIn(before, now, key) {
  const idsOf = (sides = []) => sides.filter((side) => side.has_expired).map((side) => side[key]);
  const known = new Set(idsOf(before));
  return idsOf(now)
    .filter((id) => !known.has(id))
    .map((id) => ({ [key]: id }));
}

/** The expired shared clock: the session's, or the current cycle's. */
function sharedExpiry(previous, state) {
  if (state.status === "expired" && previous.status !== "expired") return [{}];
  const shows = ({ participants }) => participants.some((one) => one.has_expired);
  if (!shows(state) || shows(previous)) return [];
  return [ownerOf({ participant_id: previous.active_participant_id ?? previous.starts_with })];
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
function expiryOf(owner, previous, state) {
  const ahead = timestampMs(previous.deadline_at);
  const isAhead = ahead !== null && ahead <= state.server_time_ms;
  const deadlineMs = isAhead ? ahead : Date.parse(state.updated_at);
  const isCertain = isAhead && state.version === previous.version + 1;
  return {
    expiry: {
      owner,
      since: isCertain ? deadlineMs - 1 : previous.server_time_ms,
      until: isCertain ? deadlineMs : state.server_time_ms,
    },
    event: { ...owner, deadline_ms: deadlineMs, action: state.action_on_timeout },
  };
}

/** A state doesn't show which of two shared clocks expired, so an expiry without owner matches. */
function mayMatch(one, other) {
  const keys = [keyOf(one.owner), keyOf(other.owner)];
  const isSame = keys[0] === keys[1] || keys.includes("");
  return isSame && one.since < other.until && other.since < one.until;
}

function keyOf({ participant_id, group_id }) {
  return participant_id ?? group_id ?? "";
}
