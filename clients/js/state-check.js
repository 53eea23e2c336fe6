import { backoff, spread } from "./backoff.js";

const FREQUENT_FOR_MS = 10_000;
const FREQUENT_EVERY_MS = 700;
const CALM_EVERY_MS = 15_000;
const PING_EVERY_MS = 10_000;
const PONG_TIMEOUT_MS = 700;
/** A connection that doesn't answer a ping for so long is dead, even if TCP doesn't report it. */
const DEAD_AFTER_MS = 5000;
/** Poll interval without pushes: a change is seen within a second, including the round trip. */
const POLL_EVERY_MS = 900;
const POLL_SELDOM_MS = 20_000;
const POLL_ABSENT_MS = 2000;
/** Interval of reads when the rate limit is almost used up, so that actions still get through. */
const LOW_QUOTA_EVERY_MS = 3000;
const LOW_QUOTA = 20;
/** Delay of a read after a deadline: with pushes, one should report it; the read is a fallback. */
const DEADLINE_PUSHED_MS = 300;
const DEADLINE_POLLED_MS = 100;
/** Delay before the first poll: a transport that joins may deliver the state sooner. */
const JOIN_WAIT_MS = 500;

/**
 * Decides when and how to check that the state is still the newest. No I/O: instants are passed in,
 * in ms of the local monotonic clock.
 *
 * @typedef {object} Subject
 * @property {?number} deadlineAt when the running clock reaches zero, local ms
 * @property {boolean} isAbsent whether the session doesn't exist
 * @property {boolean} isOver whether the session has ended; it can only be deleted
 * @property {boolean} isHidden whether the page is hidden
 */
export class StateCheck {
  /** @type {?{canPing: boolean}} the live transport */
  channel = null;
  isReading = false;
  #confirmedAt = -Infinity;
  #frequentUntil = -Infinity;
  #readAt = Infinity;
  #catchUpAt = Infinity;
  #pollAt = Infinity;
  #readStartedAt = -Infinity;
  #notBefore = -Infinity;
  #pingedAt = -Infinity;
  #isPinging = false;
  #failures = 0;
  #budget = Infinity;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.random = random;
  }

  /** From `at` on, pushes arrive. Earlier ones may be missing. */
  join(at, channel) {
    this.channel = channel;
    this.#confirmedAt = at;
    this.#isPinging = false;
    this.#pingedAt = -Infinity;
    this.#pollAt = Infinity;
    this.checkOften(at);
  }

  /** From `at` on, no pushes arrive. */
  leave(at, { soon = false } = {}) {
    this.channel = null;
    this.#isPinging = false;
    this.#pollAt = soon ? at : at + spread(JOIN_WAIT_MS, this.random);
  }

  /** A push was lost or came late, so check often for a while. */
  checkOften(at) {
    this.#frequentUntil = at + FREQUENT_FOR_MS;
  }

  /** The state was the server's newest at `at`. */
  confirm(at) {
    this.#confirmedAt = Math.max(this.#confirmedAt, at);
  }

  /** Read the session at `at` at the latest. */
  readBy(at) {
    this.#readAt = Math.min(this.#readAt, at);
  }

  /** Read the session at `at` at the latest, unless the missing version arrives before. */
  catchUpBy(at) {
    this.#catchUpAt = Math.min(this.#catchUpAt, at);
  }

  /** No version is missing any more. */
  caughtUp() {
    this.#catchUpAt = Infinity;
  }

  /** Forget the read that is under way. */
  abandonRead() {
    this.isReading = false;
  }

  /** The connection answered a ping. */
  ponged() {
    this.#isPinging = false;
  }

  /** Check at once, by a read and a ping: the page was hidden or offline. */
  checkNow(at) {
    this.readBy(at);
    if (!this.#isPinging) this.#pingedAt = -Infinity;
  }

  /**
   * A read has ended.
   *
   * @param {number} at
   * @param {{failed?: boolean, retryAfterMs?: number, budget?: number}} how
   * @param {Subject} subject
   */
  answered(at, { failed = false, retryAfterMs = 0, budget = this.#budget }, subject) {
    this.isReading = false;
    this.#budget = budget;
    if (failed) {
      const delay = Math.max(retryAfterMs, backoff(this.#failures++, { random: this.random }));
      this.#notBefore = at + delay;
      this.#readAt = at;
      return;
    }
    this.#failures = 0;
    this.confirm(at);
    if (!this.channel) this.#pollAt = at + this.#pollDelay(subject);
  }

  /**
   * The next thing to do, and when: `read`, `ping` or `reconnect`.
   *
   * @param {Subject} subject
   * @returns {{at: number, what: ?string}}
   */
  next(subject) {
    const plans = [...this.#reads(subject), ...this.#pings(subject)];
    const first = { at: Infinity, what: null };
    return plans.reduce((best, [at, what]) => (at < best.at ? { at, what } : best), first);
  }

  /** Record that `what`, a result of `next`, has begun. */
  begin(what, at) {
    if (what === "read") {
      this.isReading = true;
      this.#readStartedAt = at;
      this.#readAt = Infinity;
      this.#catchUpAt = Infinity;
      this.#pollAt = Infinity;
    } else if (what === "ping") {
      this.#isPinging = true;
      this.#pingedAt = at;
    } else {
      this.#isPinging = false;
    }
  }

  #reads(subject) {
    if (this.isReading) return [];
    const due = [this.#readAt, this.#catchUpAt, this.#pollAt, this.#deadlineRead(subject)];
    if (this.channel?.canPing === false) due.push(this.#regularRead(subject));
    if (this.#isPinging) due.push(Math.max(this.#pingedAt, this.#confirmedAt) + PONG_TIMEOUT_MS);
    return [[Math.max(this.#notBefore, Math.min(...due)), "read"]];
  }

  #regularRead({ isAbsent, isHidden }) {
    if (isHidden) return Infinity;
    const every = this.#budget < LOW_QUOTA ? LOW_QUOTA_EVERY_MS : FREQUENT_EVERY_MS;
    const soon = this.#confirmedAt + every;
    if (soon < this.#frequentUntil) return soon;
    return this.#confirmedAt + (isAbsent ? POLL_ABSENT_MS : CALM_EVERY_MS);
  }

  /** When to read because of a deadline; again every 3 s until the state shows the expiry. */
  #deadlineRead({ deadlineAt, isHidden }) {
    if (deadlineAt === null || isHidden) return Infinity;
    const due = deadlineAt + (this.channel ? DEADLINE_PUSHED_MS : DEADLINE_POLLED_MS / 2);
    if (this.#readStartedAt < due) return due;
    return Math.max(due, this.#readStartedAt + LOW_QUOTA_EVERY_MS);
  }

  #pings() {
    if (!this.channel?.canPing) return [];
    if (this.#isPinging) return [[this.#pingedAt + DEAD_AFTER_MS, "reconnect"]];
    const last = Math.max(this.#confirmedAt, this.#pingedAt);
    const soon = last + FREQUENT_EVERY_MS;
    if (this.#pingedAt === -Infinity) return [[-Infinity, "ping"]];
    return [[soon < this.#frequentUntil ? soon : this.#pingedAt + PING_EVERY_MS, "ping"]];
  }

  #pollDelay({ isAbsent, isOver, isHidden }) {
    if (isHidden || isOver) return spread(POLL_SELDOM_MS, this.random);
    if (this.#budget < LOW_QUOTA) return LOW_QUOTA_EVERY_MS;
    if (isAbsent) return spread(POLL_ABSENT_MS, this.random);
    return POLL_EVERY_MS * (0.8 + this.random() / 5);
  }
}
