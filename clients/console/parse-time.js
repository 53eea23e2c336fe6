/** Reads times as users type them. */

const UNITS = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };
const NEXT_SMALLER = { h: "m", m: "s", min: "s" };
const PLAIN = /^\d+(\.\d{1,3})?$/;
const WITH_COLONS = /^(\d+:){1,2}\d+(\.\d{1,3})?$/;
const WITH_UNITS = /^(\d+(\.\d+)?\s*(h|min|m|s)\s*)+\d*$/i;
const PART = /(\d+(?:\.\d+)?)\s*(h|min|m|s)?/gi;

/** The error of a text that `parseTime` can't read. */
export const NOT_A_TIME = "Enter a time, such as 45m, 1h30 or 1:30:00";

/**
 * Parse a time: with colons (1:30:00, 3:00), with units (45m, 1h30, 1h 30m, 90s), or a plain number.
 * A sign may come before it.
 *
 * @param {string} text
 * @param {"s"|"m"} unit the unit of a plain number
 * @returns {?number} ms; null for empty text, NaN if it isn't a time
 */
export function parseTime(text, unit) {
  const [, sign, rest] = /^([+\-−]?)\s*(.*)$/.exec(text.trim());
  if (!rest) return sign ? NaN : null;
  const ms = withoutSign(rest, unit);
  if (!Number.isFinite(ms)) return NaN; // hundreds of digits are Infinity, which JSON sends as null
  return ms && /[-−]/.test(sign) ? -ms : ms;
}

function withoutSign(text, unit) {
  if (PLAIN.test(text)) return Math.round(Number(text) * UNITS[unit]);
  if (WITH_COLONS.test(text)) {
    return Math.round(text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1000);
  }
  return WITH_UNITS.test(text) ? withUnits(text.toLowerCase()) : NaN;
}

/** The number after the last unit counts the next smaller one: the 30 of 1h30 are minutes. */
function withUnits(text) {
  let sum = 0;
  let last;
  for (const [, number, unit = NEXT_SMALLER[last]] of text.matchAll(PART)) {
    sum += Math.round(Number(number) * UNITS[unit]); // NaN after s, which has no smaller unit
    last = unit;
  }
  return sum;
}
