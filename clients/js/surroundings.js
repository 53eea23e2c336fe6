/**
 * What the library needs of the machine it runs on, in one place, so that tests can give it a world
 * of their own in which no time passes by itself.
 *
 * @typedef {object} Surroundings
 * @property {() => number} monotonic ms, from some instant on
 * @property {() => number} wall ms since 1970, as somebody set it
 * @property {() => number} random from 0 to 1
 * @property {(callback: () => void, ms: number) => *} setTimer
 * @property {(timer: *) => void} clearTimer
 * @property {() => boolean} isHidden whether it is a page that nobody sees
 * @property {(callback: () => void) => () => void} onWake calls back when the page is seen again,
 *   hidden, or when the network is back; returns what ends that
 */

/** What comes later than a timer can wait for comes then. */
const LONGEST_MS = 2 ** 31 - 1;

/** @type {Surroundings} */
export const surroundings = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  setTimer: (callback, ms) => setTimeout(callback, Math.min(ms, LONGEST_MS)),
  clearTimer: (timer) => clearTimeout(timer),
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
