/** Durations in words: ms to what a clock shows, and back. */

const TENTHS_BELOW_MS = 20_000;

/**
 * A countdown rounds up, so that it starts at its full time and shows zero only at zero.
 *
 * @param {number} ms
 */
export function countdown(ms) {
  if (ms >= TENTHS_BELOW_MS) return clock(Math.ceil(ms / 1000));
  const tenths = Math.ceil(ms / 100);
  return `${clock(Math.floor(tenths / 10))}.${tenths % 10}`;
}

/**
 * Elapsed time rounds down: what is not over has not been.
 *
 * @param {number} ms
 */
export function elapsedTime(ms) {
  const tenths = Math.floor(ms / 100);
  return `${clock(Math.floor(tenths / 10))}.${tenths % 10}`;
}

/**
 * A finished stretch of time, to the hundredth.
 *
 * @param {number} ms
 */
export function lapTime(ms) {
  const hundredths = Math.round(ms / 10);
  return `${clock(Math.floor(hundredths / 100))}.${String(hundredths % 100).padStart(2, "0")}`;
}

/**
 * A set time, as short as it goes: 3:00, 1:00:00, 0:07.5.
 *
 * @param {number} ms
 */
export function duration(ms) {
  const fraction = ms % 1000 ? `.${String(ms % 1000).padStart(3, "0").replace(/0+$/, "")}` : "";
  return clock(Math.floor(ms / 1000)) + fraction;
}

/**
 * What somebody typed as h:min:s, min:s or seconds, in ms; null for an empty field, NaN for
 * anything that isn't a time.
 *
 * @param {string} text
 * @returns {?number}
 */
export function parseDuration(text) {
  const typed = text.trim();
  if (!typed) return null;
  if (!/^(\d+:){0,2}\d+(\.\d{1,3})?$/.test(typed)) return NaN;
  return Math.round(typed.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1000);
}

/** @param {number} ms */
export function signed(ms) {
  const whole = Math.round(ms) || 0;
  return `${whole < 0 ? "−" : "+"}${Math.abs(whole)} ms`;
}

/** A rule of the API in the units of this page: "1000ms" becomes "0:01". */
export function ruleInWords(message) {
  const words = message.replace(/(\d+)ms/g, (_, ms) => duration(Number(ms)));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function clock(seconds) {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value) => String(value).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
