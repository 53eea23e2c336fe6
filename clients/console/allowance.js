import { duration } from "./format.js";
import { parseTime } from "./parse-time.js";

/** The error of a text that `parseAllowance` can't read. */
export const NOT_AN_ALLOWANCE = "Enter minutes or a share, such as 10 or 25%";

const FULL_PERMILLE = 1000;

/**
 * Parse a person's extra time: minutes (10), a time (10m, 7:30), or a share of everybody's time (25%
 * more).
 *
 * @param {string} text
 * @returns {?{extra_ms?: number, factor_permille?: number}} fields of a participant, none for empty
 *   text; null if it isn't an extra time
 */
export function parseAllowance(text) {
  const typed = text.trim().replace(/^\+\s*/, "");
  if (!typed) return {};
  const share = /^(\d+(?:[.,]\d)?)\s*%$/.exec(typed);
  if (share) {
    const percent = Number(share[1].replace(",", "."));
    return { factor_permille: Math.round(FULL_PERMILLE + percent * 10) };
  }
  const ms = parseTime(typed, "m");
  return ms > 0 ? { extra_ms: ms } : null;
}

/** A participant's extra time as text, such as "+25%" or "+10:00"; empty without. */
export function allowanceText({ extra_ms: extra, factor_permille: factor }) {
  const share = factor && factor !== FULL_PERMILLE ? `+${(factor - FULL_PERMILLE) / 10}%` : "";
  return [share, extra && `+${duration(extra)}`].filter(Boolean).join(" ");
}
