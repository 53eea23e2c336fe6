import { backoff } from "./backoff.js";
import { surroundings } from "./surroundings.js";
import { halfWidth, intersection, intervalOf, middle } from "./interval.js";

/** @typedef {import("./interval.js").Interval} Interval */

const FIRST_ROUND = 8;
const ROUND = 3;
/** A page that loads is busy, and its first round trips are long: try again when it is calm. */
const CALM_MS = 1500;
const EVERY_MS = 30_000;
/** How often to see whether the machine slept, and how far apart its clocks are then. */
const LOOK_MS = 1000;
const PARTED_MS = 250;
/** The part of its speed that a clock gives up which is ahead, so as not to jump back. */
const SLEW = 0.1;
/** Pages are given coarse clocks: 0.1 ms, or 1 ms where others share the process. */
const RESOLUTION_MS = 0.1;

/**
 * The server's clock as this machine sees it: the local monotonic clock plus an offset that samples
 * narrow down. They are taken at the start, periodically, and when the page or the machine wakes.
 * Fires `sync` when the estimate has changed. All in ms.
 */
export class ServerClock extends EventTarget {
  /** @type {?Interval} */
  #interval = null;
  #isTrusted = false;
  #offset;
  /** What of a correction backwards was not made up for at `since`. */
  #ahead = { ms: 0, since: 0 };
  #wallGap;
  #epoch = 0;
  #roundTripMs = Infinity;
  #round = null;
  #rounds = 0;
  #failures = 0;
  #isKeeping = false;
  #timer;
  #dueAt = 0;
  #stopWaking = () => {};

  /**
   * @param {{read: () => Promise<{serverMs: number, receivedAt?: number}>,
   *   resolutionMs?: number} & Partial<import("./surroundings.js").Surroundings>} options `read`
   *   asks the server for its time in whole ms; `receivedAt` is by when it had been read, on the
   *   local monotonic clock
   */
  constructor({ read, resolutionMs = RESOLUTION_MS, ...local }) {
    super();
    Object.assign(this, surroundings, local, { read, resolutionMs });
    this.#wallGap = this.#measuredGap();
    this.#offset = this.#wallGap;
  }

  /** Measure now and keep measuring. */
  start() {
    if (!this.#isKeeping) {
      this.#isKeeping = true;
      this.#stopWaking = this.onWake(() => this.isHidden() || this.sync());
    }
    return this.sync();
  }

  /** Measure no more; what is known stays, and gets vaguer. */
  stop() {
    this.#isKeeping = false;
    this.#stopWaking();
    this.clearTimer(this.#timer);
  }

  /** The server's time, ms since 1970; by the local wall clock until the first sample. */
  now() {
    this.#look();
    const local = this.monotonic();
    return local + this.#offset + this.#aheadAt(local);
  }

  /** The most that `now()` can be off; `Infinity` while nothing is known. */
  get errorMs() {
    this.#look();
    if (!this.#interval || !this.#isTrusted) return Infinity;
    const local = this.monotonic();
    return halfWidth(this.#interval, local) + this.#aheadAt(local);
  }

  /** How far the server's clock is ahead of this machine's wall clock. */
  get offsetMs() {
    return this.#offset - this.#wallGap;
  }

  /** The shortest since the clocks last agreed to differ; `Infinity` before the first sample. */
  get roundTripMs() {
    return this.#roundTripMs;
  }

  /** Whether there is a bound to the error. */
  get isSynced() {
    this.#look();
    return this.#isTrusted;
  }

  /** Take a round of samples; one round at a time, whoever asks. Never rejects. */
  sync() {
    this.#round ??= this.#takeRound().finally(() => {
      this.#round = null;
      if (this.#isKeeping) this.#rest(this.#untilNext());
    });
    return this.#round;
  }

  async #takeRound() {
    this.clearTimer(this.#timer);
    const isFirst = this.#rounds < 2 || !this.#isTrusted;
    try {
      for (let taken = 0; taken < (isFirst ? FIRST_ROUND : ROUND); taken++) await this.#measure();
      this.#failures = 0;
      this.#rounds++;
    } catch {
      this.#failures++;
    }
  }

  async #measure() {
    this.#look();
    const epoch = this.#epoch;
    const sentAt = this.monotonic();
    const { serverMs, receivedAt = this.monotonic() } = await this.read();
    this.#look();
    // One that was under way while the machine slept says nothing.
    if (epoch === this.#epoch) this.#take({ sentAt, serverMs, receivedAt });
  }

  #take(sample) {
    const shown = this.now();
    const local = this.monotonic();
    const fresh = intervalOf(sample, this.resolutionMs);
    const known = this.#isTrusted ? this.#interval : null;
    const both = known && intersection(known, fresh, local);
    if (!both) this.#roundTripMs = Infinity;
    this.#interval = both ?? fresh;
    this.#offset = middle(this.#interval);
    // Only a clock that knew nothing, or was wrong, may step back.
    this.#ahead = { ms: both ? Math.max(0, shown - local - this.#offset) : 0, since: local };
    this.#isTrusted = true;
    this.#wallGap = this.#measuredGap(); // drift widens it as well
    this.#roundTripMs = Math.min(this.#roundTripMs, sample.receivedAt - sample.sentAt);
    this.dispatchEvent(new Event("sync"));
  }

  #untilNext() {
    if (this.#failures) return backoff(this.#failures - 1, { random: this.random });
    return this.#rounds === 1 ? CALM_MS : EVERY_MS;
  }

  /** Wait for the next round, but not on after the machine slept. */
  #rest(ms) {
    this.#dueAt = this.monotonic() + ms;
    const look = () => {
      const left = this.#dueAt - this.monotonic();
      if (left <= 0 || (!this.isSynced && !this.#failures)) this.sync();
      else this.#timer = this.setTimer(look, Math.min(left, LOOK_MS));
    };
    this.clearTimer(this.#timer);
    look();
  }

  #aheadAt(local) {
    return Math.max(0, this.#ahead.ms - SLEW * (local - this.#ahead.since));
  }

  /** Wall and monotonic clock parted: the machine slept, or somebody set its clock. */
  #look() {
    const gap = this.#measuredGap();
    if (Math.abs(gap - this.#wallGap) <= PARTED_MS) return;
    this.#isTrusted = false;
    this.#epoch++;
    this.#wallGap = gap;
    if (!this.#interval) this.#offset = gap;
  }

  #measuredGap() {
    return this.wall() - this.monotonic();
  }
}
