/**
 * The platform functions that the library uses, in one place, so that tests can replace them with
 * virtual time.
 *
 * @typedef {object} Platform
 * @property {() => number} monotonic ms since an arbitrary instant
 * @property {() => number} wall ms since 1970; jumps when the clock is set
 * @property {() => number} random from 0 to 1
 * @property {(callback: () => void, ms: number) => *} setTimer
 * @property {(timer: *) => void} clearTimer
 * @property {() => boolean} isBrowser whether this is a page of a browser
 * @property {() => boolean} isHidden whether the page is hidden; false outside of browsers
 * @property {(callback: () => void) => () => void} onWake calls back when the page is shown or
 *   hidden, or when the network is back; returns a function that unsubscribes
 */

/** Longest delay of `setTimeout`; longer timers fire after it. */
const LONGEST_MS = 2 ** 31 - 1;

/** @type {Platform} */
export const platform = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  setTimer: (callback, ms) => setTimeout(callback, Math.min(ms, LONGEST_MS)),
  clearTimer: (timer) => clearTimeout(timer),
  isBrowser: () => globalThis.document !== undefined,
  isHidden: () => globalThis.document?.hidden ?? false,
  onWake(callback) {
    globalThis.addEventListener?.("online", callback);
    globalThis.document?.addEventListener("visibilitychange", callback);
    return () => {
      globalThis.removeEventListener?.("online", callback);
      globalThis.document?.removeEventListener("visibilitychange", callback);
    };
  },
};
