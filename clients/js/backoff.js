/**
 * A random part of `ms`, so that clients that started together don't all act at the same time.
 *
 * @param {number} ms
 * @param {() => number} [random]
 * @returns {number} ms, between half of that and all of it
 */
export function spread(ms, random = Math.random) {
  return ms * (0.5 + random() / 2);
}

/**
 * The delay before the next attempt: exponential, bounded and randomised.
 *
 * @param {number} attempt 0 for the first
 * @param {{firstMs?: number, mostMs?: number, random?: () => number}} [options]
 * @returns {number} ms, between half of the full delay and all of it
 */
export function backoff(attempt, { firstMs = 200, mostMs = 5000, random = Math.random } = {}) {
  return spread(Math.min(mostMs, firstMs * 2 ** attempt), random);
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
