/** @typedef {import("./synckairos.js").SessionState} SessionState */

/** So many versions may come late one by one; if more are missing, they are not waited for. */
const MOST_MISSING = 16;

/** An id may be used again after a deletion, and then versions begin anew. */
export function isSameLife(state, other) {
  return state.created_at === other.created_at;
}

/**
 * Whether `state` tells more than `known`.
 *
 * @param {SessionState} state
 * @param {?SessionState} known
 */
export function isNewer(state, known) {
  if (!known) return true;
  if (!isSameLife(state, known)) return state.created_at > known.created_at;
  return state.version > known.version;
}

/** Which versions of a session were seen, which are known to exist, and which were skipped. */
export class Versions {
  /** The newest that is known to exist; 0: none. */
  newest = 0;
  /** @type {?SessionState} the last that was accepted, even if it was deleted since */
  #last = null;
  #missing = new Set();
  #isOver = false;

  /** Whether a newer one is known to exist than was seen. */
  get isBehind() {
    return this.newest > (this.#last?.version ?? 0);
  }

  /** Whether nothing is missing, neither in between nor at the end. */
  get isWhole() {
    return !this.isBehind && this.#missing.size === 0;
  }

  /** Whether `state` tells more than what was accepted; after a deletion, only a new life does. */
  isNews(state) {
    if (!this.#isOver) return isNewer(state, this.#last);
    return state.created_at > this.#last.created_at;
  }

  /** The session was deleted: what still comes of it is late. */
  end() {
    this.#isOver = this.#last !== null;
  }

  /** @returns {boolean} whether that version is still to come */
  know(version) {
    this.newest = Math.max(this.newest, version);
    return this.isBehind;
  }

  /** A read that began when `newest` was known has the last word on whether that exists. */
  settle(newest) {
    if (newest === this.newest && this.#last) this.newest = this.#last.version;
    this.#missing.clear();
  }

  /**
   * What a pushed state says by its place in the order, before it is accepted.
   *
   * @param {SessionState} state
   * @returns {"next"|"ahead"|"late"|"again"} `ahead`: there is a gap before it; `late`: it was
   *   overtaken; `again`: it is known, and came by another way perhaps
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

  /** Whatever comes next is news. */
  forget() {
    this.#last = null;
    this.#isOver = false;
    this.newest = 0;
    this.#missing.clear();
  }

  #miss(from, to) {
    for (let version = from; version < to && this.#missing.size <= MOST_MISSING; version++) {
      this.#missing.add(version);
    }
  }
}
