/** The longest frame lag that the service takes; above 860 ms it changes nothing. */
const MOST_FRAME_LAG_MS = 10_000;

/**
 * The fields of a switch that claim its lag, in a session with lag compensation. `acted_at_ms` and
 * `error_ms` are absent before the clock is measured. They are rounded up, so that the claim is
 * never above the real lag.
 *
 * @param {number} actedAt when the player acted (server time, ms)
 * @param {number} frameLagMs the round trip of the player's connection; `Infinity`: not known
 * @param {number} errorMs the maximum error of the clock; `Infinity`: not known
 * @returns {{acted_at_ms?: number, error_ms?: number, frame_lag_ms?: number}}
 */
export function lagClaim(actedAt, frameLagMs, errorMs) {
  return {
    ...(Number.isFinite(errorMs) && {
      acted_at_ms: Math.ceil(actedAt),
      error_ms: Math.ceil(errorMs),
    }),
    ...(Number.isFinite(frameLagMs) && {
      frame_lag_ms: Math.min(Math.ceil(frameLagMs), MOST_FRAME_LAG_MS),
    }),
  };
}
