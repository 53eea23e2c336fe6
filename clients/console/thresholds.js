/**
 * The thresholds of warnings (`warn_at_ms`) that a session has. `left` is the time on a clock in ms;
 * null for a clock without a limit.
 *
 * @typedef {import("/clients/js/synckairos.js").SessionState} SessionState
 */

/** Whether so little time is left that the session warns of it. @param {SessionState} state */
export function isLow(left, { warn_at_ms: thresholds = [] }) {
  return left !== null && left <= Math.max(0, ...thresholds);
}

/**
 * The smallest threshold above zero that has been reached, ms; null if none has.
 *
 * @param {number} left
 * @param {SessionState} state
 */
export function warningAt(left, { warn_at_ms: thresholds = [] }) {
  const reached = thresholds.filter((threshold) => threshold > 0 && left <= threshold);
  return reached.length ? Math.min(...reached) : null;
}
