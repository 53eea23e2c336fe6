import { backoff } from "./backoff.js";
import { platform } from "./platform.js";
import { halfWidth, highest, intersection, intervalOf, middle } from "./offset-interval.js";
import {
  CLOCK_JUMP_MS,
  FIRST_ROUND_SAMPLES,
  ROUND_EVERY_MS,
  ROUND_SAMPLES,
  SECOND_ROUND_MS,
  SLEEP_CHECK_MS,
  SLEW,
} from "./timing.js";

/** @typedef {import("./offset-interval.js").OffsetInterval} OffsetInterval */

/** Browsers coarsen a page's clock to 0.1 ms, or to 1 ms if other sites share its process. */
const RESOLUTION_MS = 0.1;

/**
 * The server's clock, estimated on this machine: the local monotonic clock plus an offset that
 * samples narrow down. They are taken at the start, periodically, and when the page or the machine
 * wakes. Fires `sync` after each sample that is used. All in ms.
 */
export class ServerClock extends EventTarget {
  /** @type {?OffsetInterval} */
  #interval = null;
  #isTrusted = false;
  /** Whether `#offset` comes from the server, and not from the local wall clock. */
  #isFromServer = false;
  #offset;
  /** The rest of a backward correction at `since`, which is being slewed. */
  #ahead = { ms: 0, since: 0 };
  #wallGap;
  #epoch = 0;
  #roundTripMs = Infinity;
  #round = null;
  #rounds = 0;
  #failures = 0;
  #isRunning = false;
  #timer;
  #dueAt = 0;
  #stopWaking = () => {};

  /**
   * @param {{read: () => Promise<{serverMs: number, receivedAt?: number}>,
   *   resolutionMs?: number} & Partial<import("./platform.js").Platform>} options `read`
   *   returns the server's time in whole ms; `receivedAt` is when the response arrived, on the
   *   local monotonic clock
   */
  constructor({ read, resolutionMs = RESOLUTION_MS, ...local }) {
    super();
    Object.assign(this, platform, local, { read, resolutionMs });
    this.#wallGap = this.#measuredGap();
    this.#offset = this.#wallGap;
  }

  /** Measure now and keep measuring. */
  start() {
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#stopWaking = this.onWake(() => this.isHidden() || this.sync());
    }
    return this.sync();
  }

  /** Stop measuring. The estimate stays, but its error grows. */
  stop() {
    this.#isRunning = false;
    this.#stopWaking();
    this.clearTimer(this.#timer);
  }

  /**
   * The server's time, ms since 1970. Until the first sample it is estimated from the newest state
   * (see `noteServerTime`); before any state it is the local wall clock's.
   */
  now() {
    this.#checkForSleep();
    const local = this.monotonic();
    return local + this.#offset + this.#aheadAt(local);
  }

  /** Upper bound of the error of `now()`; `Infinity` while it is unknown. */
  get errorMs() {
    this.#checkForSleep();
    if (!this.#interval || !this.#isTrusted) return Infinity;
    const local = this.monotonic();
    return halfWidth(this.#interval, local) + this.#aheadAt(local);
  }

  /** The server's clock minus this machine's wall clock. */
  get offsetMs() {
    return this.#offset - this.#wallGap;
  }

  /** The shortest round trip since the estimate last restarted; `Infinity` before the first. */
  get roundTripMs() {
    return this.#roundTripMs;
  }

  /** Whether `errorMs` is finite. */
  get isSynced() {
    this.#checkForSleep();
    return this.#isTrusted;
  }

  /**
   * A message that the server wrote at `serverMs` has just arrived, so the server's time is that or
   * later. Used only while the clock isn't synced. A message that took longer than an earlier one
   * changes nothing, so the time doesn't jump back.
   *
   * @internal
   * @param {number} serverMs
   */
  noteServerTime(serverMs) {
    const shown = this.now();
    const local = this.monotonic();
    const offset = serverMs - local;
    if (this.#isTrusted || (this.#isFromServer && offset <= this.#offset)) return;
    this.#offset = offset;
    this.#slewFrom(this.#isFromServer ? shown : -Infinity, local);
    this.#isFromServer = true;
  }

  /** Take a round of samples, or wait for the current round. Never rejects. */
  sync() {
    this.#round ??= this.#takeRound().finally(() => {
      this.#round = null;
      if (this.#isRunning) this.#wait(this.#untilNext());
    });
    return this.#round;
  }

  async #takeRound() {
    this.clearTimer(this.#timer);
    const isFirst = this.#rounds < 2 || !this.#isTrusted;
    try {
      const samples = isFirst ? FIRST_ROUND_SAMPLES : ROUND_SAMPLES;
      for (let taken = 0; taken < samples; taken++) await this.#measure();
      this.#failures = 0;
      this.#rounds++;
    } catch {
      this.#failures++;
    }
  }

  async #measure() {
    this.#checkForSleep();
    const epoch = this.#epoch;
    const sentAt = this.monotonic();
    const { serverMs, receivedAt = this.monotonic() } = await this.read();
    this.#checkForSleep();
    // A sample is useless if the machine slept during the request.
    if (epoch === this.#epoch) this.#take({ sentAt, serverMs, receivedAt });
  }

  #take(sample) {
    const shown = this.now();
    const local = this.monotonic();
    const fresh = intervalOf(sample, this.resolutionMs);
    const known = this.#isTrusted ? this.#interval : null;
    const combined = known && intersection(known, fresh, local);
    if (!combined) this.#roundTripMs = Infinity;
    // Step back only if the shown time was wrong.
    const isPossible = combined || shown - local <= highest(fresh, local);
    this.#interval = combined ?? fresh;
    this.#offset = middle(this.#interval);
    this.#slewFrom(isPossible ? shown : -Infinity, local);
    this.#isTrusted = true;
    this.#isFromServer = true;
    this.#wallGap = this.#measuredGap(); // drift widens it as well
    this.#roundTripMs = Math.min(this.#roundTripMs, sample.receivedAt - sample.sentAt);
    this.dispatchEvent(new Event("sync"));
  }

  #untilNext() {
    if (this.#failures) return backoff(this.#failures - 1, { random: this.random });
    return this.#rounds === 1 ? SECOND_ROUND_MS : ROUND_EVERY_MS;
  }

  /** Wait for the next round, but begin it early if the machine slept. */
  #wait(ms) {
    this.#dueAt = this.monotonic() + ms;
    const check = () => {
      const left = this.#dueAt - this.monotonic();
      if (left <= 0 || (!this.isSynced && !this.#failures)) this.sync();
      else this.#timer = this.setTimer(check, Math.min(left, SLEEP_CHECK_MS));
    };
    this.clearTimer(this.#timer);
    check();
  }

  /** Let the shown time go on from `shown` if it is ahead of the offset's time. */
  #slewFrom(shown, local) {
    this.#ahead = { ms: Math.max(0, shown - local - this.#offset), since: local };
  }

  #aheadAt(local) {
    return Math.max(0, this.#ahead.ms - SLEW * (local - this.#ahead.since));
  }

  /** Distrust the estimate if the wall clock moved: the machine slept, or it was set. */
  #checkForSleep() {
    const gap = this.#measuredGap();
    if (Math.abs(gap - this.#wallGap) <= CLOCK_JUMP_MS) return;
    this.#isTrusted = false;
    this.#epoch++;
    this.#wallGap = gap;
    if (!this.#isFromServer) this.#offset = gap;
  }

  #measuredGap() {
    return this.wall() - this.monotonic();
  }
}
