/**
 * @typedef {object} Reading
 * @property {number} serverMs what the server's clock read, rounded to 1 ms
 * @property {number} receivedAt when the answer began to arrive, on the local monotonic clock
 *
 * @typedef {object} Sample
 * @property {number} offsetMs the server's clock minus the local monotonic one
 * @property {number} roundTripMs
 * @property {number} errorMs the server can't have read its clock outside of the round trip
 * @property {number} takenAt on the local monotonic clock
 */

const ROUNDING_MS = 0.5;

/**
 * @param {number} sent on the local monotonic clock, ms
 * @param {number} received likewise
 * @param {number} serverMs what the server's clock read in between, rounded to 1 ms
 * @returns {Sample}
 */
export function sampleOf(sent, received, serverMs) {
  const roundTripMs = received - sent;
  return {
    offsetMs: serverMs - (sent + received) / 2,
    roundTripMs,
    errorMs: roundTripMs / 2 + ROUNDING_MS,
    takenAt: received,
  };
}

/**
 * The sample to believe: the smallest round trip leaves the least room for error.
 *
 * @param {Sample[]} samples
 * @returns {Sample|undefined}
 */
export function bestOf(samples) {
  return samples.reduce(
    (best, sample) => (best && best.roundTripMs <= sample.roundTripMs ? best : sample),
    undefined,
  );
}
