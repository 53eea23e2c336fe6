const MINUTE_MS = 60_000;
const MIN_GAP_MS = 1_000;
const BUSY_GAP_MS = 4_000;
const QUIET_REQUESTS = 6;
const RETRY_MS = 15_000;
const MAX_RETRY_MS = 120_000;

/**
 * When a part of the page may make its next request, so that it doesn't use up the user's rate
 * limit: at most one per second, or one per 4 s after six within a minute; later after failures.
 */
export class Pace {
  #requestTimes = [];
  #failures = 0;
  #retryMs = 0;

  /** Ms until the next request; 0 or less if it may be made now. */
  get untilNext() {
    const now = performance.now();
    this.#requestTimes = this.#requestTimes.filter((at) => now - at < MINUTE_MS);
    if (!this.#requestTimes.length) return 0;
    const gap = this.#requestTimes.length < QUIET_REQUESTS ? MIN_GAP_MS : BUSY_GAP_MS;
    return this.#requestTimes.at(-1) + (this.#failures ? this.#retryMs : gap) - now;
  }

  began() {
    this.#requestTimes.push(performance.now());
  }

  succeeded() {
    this.#failures = 0;
  }

  failed({ retryAfterMs = 0 }) {
    const backoff = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** this.#failures++);
    this.#retryMs = Math.max(backoff, retryAfterMs);
  }
}
