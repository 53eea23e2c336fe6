import { DRIFT, ROUNDED_DOWN_MS, ROUNDED_UP_MS } from "./timing.js";

/**
 * Bounds for the offset between the server's clock and a drifting local one. Pure functions, in ms.
 *
 * @typedef {object} Sample the server's clock read `serverMs` some time between the local instants
 * @property {number} sentAt
 * @property {number} serverMs
 * @property {number} receivedAt
 *
 * @typedef {object} OffsetInterval the offsets (server minus local) that all samples allow. Each
 *   sample's interval widens at the same rate on both sides, so the narrowest bounds stay the
 *   narrowest: two numbers represent all samples. They are the bounds at local time zero
 * @property {number} low
 * @property {number} high
 */

/**
 * The offsets that one sample allows.
 *
 * @param {Sample} sample
 * @param {number} resolutionMs of the local clock
 * @returns {OffsetInterval}
 */
export function intervalOf({ sentAt, serverMs, receivedAt }, resolutionMs) {
  const low = serverMs - ROUNDED_UP_MS - receivedAt - resolutionMs;
  const high = serverMs + ROUNDED_DOWN_MS - sentAt + resolutionMs;
  return { low: low + DRIFT * sentAt, high: high - DRIFT * sentAt };
}

/**
 * The offsets that both allow; null if a clock jumped and there are none at local time `at`.
 *
 * @param {OffsetInterval} one
 * @param {OffsetInterval} other
 * @param {number} at
 * @returns {?OffsetInterval}
 */
export function intersection(one, other, at) {
  const combined = { low: Math.max(one.low, other.low), high: Math.min(one.high, other.high) };
  return halfWidth(combined, at) >= 0 ? combined : null;
}

/** The best estimate; it doesn't change with time. */
export function middle({ low, high }) {
  return (low + high) / 2;
}

/** The maximum error of the estimate at local time `at`. */
export function halfWidth({ low, high }, at) {
  return (high - low) / 2 + DRIFT * at;
}

/** The largest possible offset at local time `at`. */
export function highest(interval, at) {
  return middle(interval) + halfWidth(interval, at);
}
