/**
 * How long to wait before the next attempt: doubling, bounded, and spread out, so that clients
 * who lost a server together don't all come back at the same instant.
 *
 * @param {number} attempt 0 for the first
 * @param {{firstMs?: number, mostMs?: number, random?: () => number}} [options]
 * @returns {number} ms, between half of the full delay and all of it
 */
export function backoff(attempt, { firstMs = 200, mostMs = 5000, random = Math.random } = {}) {
  const full = Math.min(mostMs, firstMs * 2 ** attempt);
  return full * (0.5 + random() / 2);
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
