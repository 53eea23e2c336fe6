/** Virtual time for tests. All in ms. */

const EPOCH_MS = 1_760_000_000_000;

/** Timers and clocks that advance only by `pass`. */
export class VirtualTime {
  #now = 0;
  #timers = new Map();
  #last = 0;
  #wakers = new Set();
  isBrowser = false;
  isHidden = false;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = () => 0.5 } = {}) {
    /** The library's view of the platform. */
    this.local = {
      monotonic: () => this.#now,
      wall: () => EPOCH_MS + this.#now,
      random,
      setTimer: (callback, ms) => {
        this.#timers.set(++this.#last, { callback, at: this.#now + ms });
        return this.#last;
      },
      clearTimer: (timer) => this.#timers.delete(timer),
      isBrowser: () => this.isBrowser,
      isHidden: () => this.isHidden,
      onWake: (callback) => {
        this.#wakers.add(callback);
        return () => this.#wakers.delete(callback);
      },
    };
  }

  get now() {
    return this.#now;
  }

  /** The server's time. */
  get serverMs() {
    return EPOCH_MS + this.#now;
  }

  get timers() {
    return this.#timers.size;
  }

  /** Whether a listener waits for the page to be shown again. */
  get isWatched() {
    return this.#wakers.size > 0;
  }

  /** Hide the page, or show it again. */
  async show(isShown) {
    this.isHidden = !isShown;
    for (const callback of this.#wakers) callback();
    await settled();
  }

  /**
   * Let `ms` pass: timers fire in order, each after the promises of the one before have settled.
   *
   * @param {number} ms
   * @param {{everyMs?: number, onTick?: () => void}} [watching] `onTick` is called every `everyMs`
   */
  async pass(ms, { everyMs = Infinity, onTick = () => {} } = {}) {
    const start = this.#now;
    const end = start + ms;
    let looks = 1;
    const goOnTo = (instant) => {
      for (; start + looks * everyMs <= instant; looks++) {
        this.#now = start + looks * everyMs;
        onTick();
      }
      this.#now = Math.max(this.#now, instant);
    };
    await settled();
    for (;;) {
      const [id, next] = this.#first();
      if (!next || next.at > end) break;
      goOnTo(next.at);
      this.#timers.delete(id);
      next.callback();
      await settled();
    }
    goOnTo(end);
  }

  #first() {
    const timers = [...this.#timers];
    return timers.reduce((best, one) => (best[1]?.at <= one[1].at ? best : one), []);
  }
}

/** Wait until pending promise callbacks have run. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A seeded random number generator (mulberry32). */
export function seededRandom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
