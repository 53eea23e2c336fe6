import { isTerminal } from "./anchors.js";
import { backoff, spread } from "./backoff.js";

/** @typedef {import("./types.js").SessionState} SessionState */

const OFTEN_MS = 1300;
/** Nobody watches, or nothing but a deletion can be missed. */
const SELDOM_MS = 20_000;
/** Whoever comes a little after the deadline finds the flag fallen. */
const BEHIND_MS = 100;

/**
 * When to look again at a session that was found in `state`: about every second, and as its
 * deadline passes.
 *
 * @param {?SessionState} state
 * @param {number} at server time, ms
 * @param {{isHidden?: boolean, random?: () => number}} [options]
 * @returns {number} ms
 */
export function untilNextLook(state, at, { isHidden = false, random = Math.random } = {}) {
  const isQuiet = isHidden || (state !== null && isTerminal(state));
  const regular = spread(isQuiet ? SELDOM_MS : OFTEN_MS, random);
  const left = state?.deadline_at ? Date.parse(state.deadline_at) - at : 0;
  return left > 0 ? Math.min(regular, left + spread(BEHIND_MS, random)) : regular;
}

/**
 * Looks again and again, where nothing is pushed. Fires `status` when `isWorking` changes, and
 * `recovery` when a look succeeds after one that has failed.
 */
export class Polling extends EventTarget {
  isOn = false;
  /** Whether the last look succeeded. */
  isWorking = false;
  #failures = 0;
  #timer = 0;
  #looks = Promise.resolve();

  /**
   * @param {{look: () => Promise<void>, untilNext: () => number}} options `look` rejects when it
   *   has seen nothing, with `retryAfterMs` where the service asked for patience; `untilNext` is
   *   asked after each one that succeeded
   */
  constructor({ look, untilNext }) {
    super();
    this.look = look;
    this.untilNext = untilNext;
    this.wake = () => globalThis.document?.hidden || this.now();
  }

  /** Look at once, and keep looking until `stop()`. */
  start() {
    if (this.isOn) return;
    this.isOn = true;
    this.#failures = 0;
    globalThis.addEventListener?.("online", this.wake);
    globalThis.document?.addEventListener("visibilitychange", this.wake);
    this.now();
  }

  stop() {
    this.isOn = false;
    globalThis.removeEventListener?.("online", this.wake);
    globalThis.document?.removeEventListener("visibilitychange", this.wake);
    clearTimeout(this.#timer);
    this.#become(false);
  }

  /**
   * Don't wait for the next look. One that is under way may have missed what the caller knows of,
   * so there is another one behind it.
   *
   * @returns {Promise<void>} fulfilled once that has been taken, whatever it saw
   */
  now() {
    clearTimeout(this.#timer);
    this.#looks = this.#looks.then(() => this.isOn && this.#take());
    return this.#looks;
  }

  async #take() {
    const delay = await this.look().then(
      () => this.#succeed(),
      (error) => this.#fail(error),
    );
    clearTimeout(this.#timer);
    if (this.isOn) this.#timer = setTimeout(() => this.now(), delay);
  }

  #succeed() {
    const isRecovery = this.#failures > 0;
    this.#failures = 0;
    this.#become(this.isOn);
    if (isRecovery) this.dispatchEvent(new Event("recovery"));
    return this.untilNext();
  }

  #fail({ retryAfterMs = 0 }) {
    this.#become(false);
    return Math.max(retryAfterMs, backoff(this.#failures++));
  }

  #become(isWorking) {
    if (isWorking === this.isWorking) return;
    this.isWorking = isWorking;
    this.dispatchEvent(new Event("status"));
  }
}
