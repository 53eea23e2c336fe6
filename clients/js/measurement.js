/** The largest value that the service takes. */
export const MOST_MS = 3_600_000;

/**
 * The round trip and the maximum error of this client's clock, which the service shows in the session's
 * presence: whole ms, rounded up. Empty before the clock is measured.
 *
 * @param {{errorMs: number, roundTripMs: number}} clock
 * @returns {{round_trip_ms?: number, error_ms?: number}}
 */
export function measurementOf({ errorMs, roundTripMs }) {
  if (!Number.isFinite(errorMs)) return {};
  return { round_trip_ms: wholeMs(roundTripMs), error_ms: wholeMs(errorMs) };
}

function wholeMs(ms) {
  return Math.min(Math.ceil(ms), MOST_MS);
}
