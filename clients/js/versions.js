import { MAX_MISSING } from "./timing.js";

/** @typedef {import("./synckairos.js").SessionState} SessionState */

/** An id may be reused after a deletion, and then versions start over. */
export function isSameLife(state, other) {
  return state.created_at === other.created_at;
}

/**
 * Whether `state` is newer than `known`.
 *
 * @param {SessionState} state
 * @param {?SessionState} known
 */
export function isNewer(state, known) {
  if (!known) return true;
  if (!isSameLife(state, known)) return state.created_at > known.created_at;
  return state.version > known.version;
}

/** Which versions of a session were received, are known to exist, or were skipped. */
export class Versions {
  /** The newest version known to exist; 0 for none. */
  newest = 0;
  /** @type {?SessionState} the last accepted state, even if the session was deleted since */
  #last = null;
  #missing = new Set();
  #isOver = false;

  /** Whether a version is known to exist that is newer than the last accepted one. */
  get isBehind() {
    return this.newest > (this.#last?.version ?? 0);
  }

  /** Whether no version is missing, neither a newer nor a skipped one. */
  get isWhole() {
    return !this.isBehind && this.#missing.size === 0;
  }

  /** Whether `state` is newer than the last one; after a deletion, only a recreated session is. */
  isNews(state) {
    if (!this.#isOver) return isNewer(state, this.#last);
    return state.created_at > this.#last.created_at;
  }

  /** The session was deleted: reject its late states. */
  end() {
    this.#isOver = this.#last !== null;
  }

  /** Record that `version` exists. @returns {boolean} whether a newer state is missing */
  know(version) {
    this.newest = Math.max(this.newest, version);
    return this.isBehind;
  }

  /** Apply a read that began when `newest` was known: if it returned less, there is no `newest`. */
  settle(newest) {
    if (newest === this.newest && this.#last) this.newest = this.#last.version;
    this.#missing.clear();
  }

  /**
   * Compare a pushed state's version with the last one, before it is accepted.
   *
   * @param {SessionState} state
   * @returns {"next"|"ahead"|"late"|"again"} `ahead`: versions before it are missing; `late`: a
   *   newer one came first; `again`: a duplicate
   */
  place(state) {
    const last = this.#last;
    if (!last || !isSameLife(state, last)) return "next";
    const step = state.version - last.version;
    if (step > 1) this.#miss(last.version + 1, state.version);
    else this.#missing.delete(state.version);
    return step > 1 ? "ahead" : step === 1 ? "next" : step === 0 ? "again" : "late";
  }

  accept(state) {
    if (this.#last && !isSameLife(state, this.#last)) {
      this.newest = 0;
      this.#missing.clear();
    }
    this.#last = state;
    this.#isOver = false;
    this.newest = Math.max(this.newest, state.version);
  }

  /** Accept any next state. */
  forget() {
    this.#last = null;
    this.#isOver = false;
    this.newest = 0;
    this.#missing.clear();
  }

  /** Record that the versions from `from` to before `to` are missing; keep the newest ones. */
  #miss(from, to) {
    for (let version = Math.max(from, to - MAX_MISSING); version < to; version++) {
      this.#missing.add(version);
    }
    const surplus = Math.max(0, this.#missing.size - MAX_MISSING);
    for (const version of [...this.#missing].slice(0, surplus)) this.#missing.delete(version);
  }
}
