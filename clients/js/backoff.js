import { BACKOFF_FIRST_MS, BACKOFF_JITTER, BACKOFF_MAX_MS } from "./timing.js";

/**
 * A random value within bounds, so that clients that started together don't all act at the same
 * time.
 *
 * @param {number[]} bounds the lowest and the highest value
 * @param {() => number} [random]
 */
export function spread([low, high], random = Math.random) {
  return low + (high - low) * random();
}

/**
 * The delay before the next attempt: exponential, bounded and randomised.
 *
 * @param {number} attempt 0 for the first
 * @param {{random?: () => number}} [options]
 * @returns {number} ms
 */
export function backoff(attempt, { random = Math.random } = {}) {
  const whole = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  return whole * spread(BACKOFF_JITTER, random);
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
