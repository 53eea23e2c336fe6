/** Formats the time on a clock, and tells when its text changes. */

const TENTHS_BELOW_MS = 20_000;

/**
 * Format a countdown. It is rounded up, so it starts at the full time and shows zero only at zero.
 * The last 20 seconds have tenths. Below zero it shows the complete seconds since zero: -0:05.
 *
 * @param {number} ms
 * @returns {string}
 */
export function countdown(ms) {
  if (ms < 0) return `-${wholeSeconds(Math.floor(-ms / 1000))}`;
  if (ms >= TENTHS_BELOW_MS) return wholeSeconds(Math.ceil(ms / 1000));
  const tenths = Math.ceil(ms / 100);
  return `${wholeSeconds(Math.floor(tenths / 10))}.${tenths % 10}`;
}

/**
 * Format elapsed time with tenths, rounded down: a second counts when it is complete.
 *
 * @param {number} ms
 * @returns {string}
 */
export function elapsedTime(ms) {
  const tenths = Math.floor(ms / 100);
  return `${wholeSeconds(Math.floor(tenths / 10))}.${tenths % 10}`;
}

/**
 * Format seconds as h:mm:ss or m:ss.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function wholeSeconds(seconds) {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value) => String(value).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * Ms until a clock at `ms` reaches the next multiple of `step`.
 *
 * @param {number} ms
 * @param {number} change its direction: above, below or equal to 0
 * @param {number} step 100 for a text with tenths, otherwise 1000
 * @returns {number} Infinity for a clock that stands still
 */
export function untilChange(ms, change, step) {
  if (!change) return Infinity;
  const above = ((ms % step) + step) % step;
  return change > 0 ? step - above : above || step;
}
