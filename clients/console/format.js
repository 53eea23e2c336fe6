import { untilChange, wholeSeconds } from "/clients/js/clock-text.js";

export { countdown, elapsedTime, untilChange } from "/clients/js/clock-text.js";

/** Formats durations (ms) and instants as text. */

const TIME_OF_DAY = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const TO_THE_SECOND = new Intl.DateTimeFormat([], {
  hour: "numeric",
  minute: "2-digit",
  second: "2-digit",
});
const WITH_DATE = new Intl.DateTimeFormat([], {
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "2-digit",
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

/**
 * Format a duration in words: "1 hour 30 minutes", "7.5 seconds".
 *
 * @param {number} ms at least 0
 */
export function timeInWords(ms) {
  const [h, m, s] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1000];
  const parts = [h && count(h, "hour"), m && count(m, "minute"), s && count(s, "second")];
  return parts.filter(Boolean).join(" ") || count(0, "second");
}

/** Format an amount of time in seconds, rounded up, so that it is never shown as nothing. */
export function amountOfTime(ms) {
  return duration(Math.ceil(ms / 1000) * 1000);
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

/** Format an instant of the last days: the time of day, with the date unless it is today. */
export function whenOpened(instant) {
  const at = new Date(instant);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? TIME_OF_DAY.format(at) : WITH_DATE.format(at);
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
