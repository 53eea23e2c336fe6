import { elapsed } from "/clients/js/synckairos.js";
import { hasEndedTurn, turnsIn } from "./turns.js";

const REMEMBERED = 64;

/**
 * The time of each owner, split into turns. The turns come from the trail, the totals from states;
 * the difference is `earlier` time. Until the trail reaches a state that the page has seen, only
 * the totals are known.
 *
 * `owners` are `{key, isActive(state), total(state, at), owns(turn)}`.
 */
export class UsageLedger {
  #states = new Map();
  #turns = [];
  #base = null;
  #createdAt;

  /** Store a state, for the time when the trail reaches its version. */
  addState(state) {
    if (state.created_at !== this.#createdAt) {
      this.#createdAt = state.created_at;
      this.#states.clear();
      this.#turns = [];
      this.#base = null;
    }
    this.#states.set(state.version, state);
    if (this.#states.size > REMEMBERED) this.#states.delete(this.#states.keys().next().value);
  }

  /** Take in the loaded events of the trail. */
  addEvents(events, owners) {
    this.#turns = turnsIn(events);
    const newest = events.at(-1);
    const state = this.#states.get(newest?.version);
    if (!state) return;
    const tail = unfinished(events, state);
    const settled = owners.map((owner) => {
      const running = owner.isActive(state) ? tail : 0;
      return [owner.key, owner.total(state, state.server_time_ms) - running];
    });
    this.#base = { version: newest.version, settled: new Map(settled) };
  }

  /**
   * One owner's finished turns, and its `earlier` time (ms): turns before the loaded events, or
   * turns whose owner isn't known.
   *
   * @returns {{isKnown: boolean, earlier: number, turns: import("./turns.js").Turn[]}}
   */
  turnsOf(owner) {
    if (!this.#base) return { isKnown: false, earlier: 0, turns: [] };
    const turns = this.#turns.filter((turn) => turn.ms > 0 && owner.owns(turn));
    const settled = this.#base.settled.get(owner.key) ?? 0; // 0 for owners who joined later
    const known = turns.filter(({ version }) => version <= this.#base.version);
    const earlier = settled - known.reduce((sum, { ms }) => sum + ms, 0);
    return { isKnown: true, earlier: Math.max(0, earlier), turns };
  }
}

/** The length of the unfinished turn when `state`, the newest in the trail, was read (ms). */
function unfinished(events, state) {
  const [before, newest] = [events.at(-2), events.at(-1)];
  const hasBegun = newest.cycle_number > 0 && !(before && hasEndedTurn(newest, before));
  const ran = hasBegun ? (newest.time_elapsed_ms ?? 0) : 0;
  return ran + (isMoving(state) ? state.server_time_ms - Date.parse(newest.occurred_at) : 0);
}

/** Whether time was being used when `state` was read. */
function isMoving(state) {
  const { server_time_ms: at } = state;
  return elapsed(state, at + 1) > elapsed(state, at);
}
