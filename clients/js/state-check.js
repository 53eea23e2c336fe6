import { backoff, spread } from "./backoff.js";
import {
  CALM_EVERY_MS,
  DEAD_AFTER_MS,
  DEADLINE_POLLED_MS,
  DEADLINE_PUSHED_MS,
  DEADLINE_REPEAT_MS,
  FREQUENT_EVERY_MS,
  FREQUENT_FOR_MS,
  JOIN_WAIT_MS,
  LOW_QUOTA,
  LOW_QUOTA_EVERY_MS,
  PING_EVERY_MS,
  POLL_ABSENT_MS,
  POLL_EVERY_MS,
  POLL_SELDOM_MS,
  PONG_TIMEOUT_MS,
} from "./timing.js";

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
  #rateLimitRemaining = Infinity;

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
   * @param {{failed?: boolean, retryAfterMs?: number, rateLimitRemaining?: number}} how
   * @param {Subject} subject
   */
  readEnded(at, { failed = false, retryAfterMs = 0, rateLimitRemaining }, subject) {
    this.isReading = false;
    this.#rateLimitRemaining = rateLimitRemaining ?? this.#rateLimitRemaining;
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
    const every = this.#rateLimitRemaining < LOW_QUOTA ? LOW_QUOTA_EVERY_MS : FREQUENT_EVERY_MS;
    const soon = this.#confirmedAt + every;
    if (soon < this.#frequentUntil) return soon;
    return this.#confirmedAt + (isAbsent ? POLL_ABSENT_MS[1] : CALM_EVERY_MS);
  }

  /** When to read because of a deadline; again at intervals until the state shows the expiry. */
  #deadlineRead({ deadlineAt, isHidden }) {
    if (deadlineAt === null || isHidden) return Infinity;
    const due = deadlineAt + (this.channel ? DEADLINE_PUSHED_MS : DEADLINE_POLLED_MS);
    if (this.#readStartedAt < due) return due;
    return Math.max(due, this.#readStartedAt + DEADLINE_REPEAT_MS);
  }

  #pings() {
    if (!this.channel?.canPing) return [];
    if (this.#isPinging) return [[this.#pingedAt + DEAD_AFTER_MS, "reconnect"]];
    const last = Math.max(this.#confirmedAt, this.#pingedAt);
    const soon = last + FREQUENT_EVERY_MS;
    if (this.#pingedAt === -Infinity) return [[-Infinity, "ping"]];
    return [[soon < this.#frequentUntil ? soon : last + PING_EVERY_MS, "ping"]];
  }

  #pollDelay({ isAbsent, isOver, isHidden }) {
    if (isHidden || isOver) return spread(POLL_SELDOM_MS, this.random);
    if (this.#rateLimitRemaining < LOW_QUOTA) return LOW_QUOTA_EVERY_MS;
    return spread(isAbsent ? POLL_ABSENT_MS : POLL_EVERY_MS, this.random);
  }
}
