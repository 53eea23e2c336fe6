import { untilChange, wholeSeconds } from "/clients/js/clock-text.js";

export { countdown, elapsedTime, untilChange } from "/clients/js/clock-text.js";

/** Formats durations (ms) as text, and parses them. */

const TIME_OF_DAY = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const TO_THE_SECOND = new Intl.DateTimeFormat([], {
  hour: "numeric",
  minute: "2-digit",
  second: "2-digit",
});
const WITH_DAY = new Intl.DateTimeFormat([], {
  weekday: "long",
  hour: "numeric",
  minute: "2-digit",
});

/**
 * Format a countdown like `countdown`, in whole seconds to the end.
 *
 * @param {number} ms at least 0
 */
export function countdownSeconds(ms) {
  return wholeSeconds(Math.ceil(ms / 1000));
}

/** Ms until `countdownSeconds` of a running clock changes; `ms` is what is left. */
export function untilNextSecond(ms) {
  return ms > 0 ? untilChange(ms, -1, 1000) : Infinity;
}

/**
 * Format the length of a finished lap, in hundredths of a second.
 *
 * @param {number} ms
 */
export function lapTime(ms) {
  const hundredths = Math.round(ms / 10);
  return `${wholeSeconds(Math.floor(hundredths / 100))}.${String(hundredths % 100).padStart(2, "0")}`;
}

/**
 * Format a duration in its shortest form: 3:00, 1:00:00, 0:07.5.
 *
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 0) return `-${duration(-ms)}`;
  const fraction = ms % 1000 ? `.${String(ms % 1000).padStart(3, "0").replace(/0+$/, "")}` : "";
  return wholeSeconds(Math.floor(ms / 1000)) + fraction;
}

/** Format an amount of time in seconds, rounded up, so that it is never shown as nothing. */
export function amountOfTime(ms) {
  return duration(Math.ceil(ms / 1000) * 1000);
}

/** The error of a text that `parseDuration` can't read. */
export const NOT_A_DURATION = "Enter minutes and seconds, such as 3:00";

/**
 * Parse h:min:s, min:s or seconds.
 *
 * @param {string} text
 * @returns {?number} ms; null for empty text, NaN if it isn't a time
 */
export function parseDuration(text) {
  const typed = text.trim();
  if (!typed) return null;
  if (!/^(\d+:){0,2}\d+(\.\d{1,3})?$/.test(typed)) return NaN;
  return Math.round(typed.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1000);
}

/**
 * The next instant at which clocks on the wall here show a time.
 *
 * @param {string} text such as 14:30
 * @returns {?Date} null for empty text
 */
export function nextTimeOfDay(text, now = new Date()) {
  if (!text) return null;
  const [hours, minutes] = text.split(":").map(Number);
  const next = new Date(now);
  next.setHours(hours, minutes, 0, 0);
  if (next <= now) next.setDate(next.getDate() + 1);
  return next;
}

/** The error of a text that `parseAmount` can't read. */
export const NOT_AN_AMOUNT = "Enter a time, such as 45s, 2m or 1:30";

const UNITS = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/**
 * Parse a time like `parseDuration`, also with units (45s, 2m, 1h 30m) and with a sign.
 *
 * @param {string} text
 * @returns {?number} ms; null for empty text, NaN if it isn't a time
 */
export function parseAmount(text) {
  const [, sign, rest] = /^([+\-−]?)\s*(.*)$/.exec(text.trim());
  const ms = parseDuration(rest);
  const amount = Number.isNaN(ms) ? withUnits(rest) : ms;
  return amount && /[-−]/.test(sign) ? -amount : amount;
}

function withUnits(text) {
  if (!/^(\d+(\.\d+)?\s*(h|min|m|s)\s*)+$/i.test(text)) return NaN;
  const parts = [...text.matchAll(/([\d.]+)\s*(h|min|m|s)/gi)];
  return parts.reduce((sum, [, n, unit]) => sum + Math.round(n * UNITS[unit.toLowerCase()]), 0);
}

/**
 * Format an instant as the time of day, as the user's language writes it.
 *
 * @param {number|string} instant a timestamp, or ms since 1970
 * @param {{hasSeconds?: boolean}} [options]
 */
export function timeOfDay(instant, { hasSeconds = false } = {}) {
  return (hasSeconds ? TO_THE_SECOND : TIME_OF_DAY).format(new Date(instant));
}

/** Format an instant of the next days: the day of the week and the time of day. */
export function dayAndTime(instant) {
  return WITH_DAY.format(new Date(instant));
}

/**
 * Format a number of things: "1 turn", "2 turns".
 *
 * @param {number} number
 * @param {string} word
 */
export function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/**
 * Format a short time in hundredths of a second: 1.56 s.
 *
 * @param {number} ms
 */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** @param {number} ms */
export function signed(ms) {
  const whole = Math.round(ms) || 0;
  return `${whole < 0 ? "−" : "+"}${Math.abs(whole)} ms`;
}

/** An error message of the API with durations as the page shows them: "1000ms" becomes "0:01". */
export function ruleText(message) {
  const words = message.replace(/(\d+)ms/g, (_, ms) => duration(Number(ms)));
  return words.charAt(0).toUpperCase() + words.slice(1);
}
