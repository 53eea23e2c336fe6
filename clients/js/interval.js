/**
 * Where the server's clock can be, as seen from a local one that drifts. Pure functions, all in ms.
 *
 * @typedef {object} Sample the server's clock read `serverMs` some time between the local instants
 * @property {number} sentAt
 * @property {number} serverMs
 * @property {number} receivedAt
 *
 * @typedef {object} Interval the offsets (server less local) that no sample rules out. What a
 *   sample says gets vaguer with its age, at the same pace for all of them; so what binds once
 *   binds always, and two numbers hold every sample there was: the ends as of local time zero
 * @property {number} low
 * @property {number} high
 */

/** Two quartz clocks part by no more than this. */
const DRIFT = 120e-6;
/** A server's whole ms is either rounded or cut: its clock read up to so much less, or more. */
const ROUNDED_UP_MS = 0.5;
const ROUNDED_DOWN_MS = 1;

/**
 * What one sample leaves.
 *
 * @param {Sample} sample
 * @param {number} resolutionMs of the local clock
 * @returns {Interval}
 */
export function intervalOf({ sentAt, serverMs, receivedAt }, resolutionMs) {
  const low = serverMs - ROUNDED_UP_MS - receivedAt - resolutionMs;
  const high = serverMs + ROUNDED_DOWN_MS - sentAt + resolutionMs;
  return { low: low + DRIFT * sentAt, high: high - DRIFT * sentAt };
}

/**
 * What two leave together; null when that is nothing at local time `at`: a clock has jumped.
 *
 * @param {Interval} one
 * @param {Interval} other
 * @param {number} at
 * @returns {?Interval}
 */
export function intersection(one, other, at) {
  const both = { low: Math.max(one.low, other.low), high: Math.min(one.high, other.high) };
  return halfWidth(both, at) >= 0 ? both : null;
}

/** The best guess, which doesn't age. */
export function middle({ low, high }) {
  return (low + high) / 2;
}

/** How far off the guess can be at local time `at`. */
export function halfWidth({ low, high }, at) {
  return (high - low) / 2 + DRIFT * at;
}
