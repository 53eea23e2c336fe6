import { field, textInput } from "./field.js";
import { duration, timeInWords } from "./format.js";
import { parseTime } from "./parse-time.js";

const MINUTE = 60_000;

/**
 * A field for a time, which says how it reads the typed text.
 *
 * @param {string} label
 * @param {object} [options]
 * @param {string} [options.placeholder]
 * @param {string} [options.hint] shown while there is no time in the field
 * @param {"s"|"m"} [options.unit] the unit of a plain number. Left out, it is the one in which the
 *   time that the page fills in is measured: seconds below a minute, else minutes.
 * @param {boolean} [options.isList] whether it takes several times, separated by commas
 * @param {boolean} [options.isCompact] label for screen readers only
 */
export function timeField(label, { placeholder, hint = "", unit, isList, isCompact } = {}) {
  const input = textInput({ class: "time", placeholder });
  const base = field(label, input, { hint, isCompact });
  let usual = unit ?? "m";

  /** The times (ms) in the field; NaN for a text that isn't a time from zero on. */
  function times(text = base.value) {
    const parts = (isList ? text.split(",") : [text]).filter((part) => part.trim());
    return parts.map((part) => {
      const ms = parseTime(part, usual);
      return ms < 0 ? NaN : ms;
    });
  }

  /** A time as the page itself would write it needs no explanation in a compact field. */
  function explain() {
    const read = times(input.value); // also while the field is hidden
    const isKnown = read.length > 0 && !read.some(Number.isNaN);
    const isPlain = isCompact && read.length === 1 && duration(read[0]) === input.value.trim();
    base.setHint(isKnown && !isPlain ? read.map(timeInWords).join(", ") : hint);
  }

  input.addEventListener("input", explain);
  return {
    ...base,
    /** Take the unit of plain numbers from a time such as "1:00:00". */
    measureIn(text) {
      const ms = parseTime(text.split(",")[0], "s");
      if (!unit) usual = ms !== null && ms < MINUTE ? "s" : "m";
      explain();
    },
    /** The time (ms): undefined without one, NaN if the text isn't a time. */
    get ms() {
      return times()[0];
    },
    get times() {
      return times();
    },
    get value() {
      return base.value;
    },
    set value(text) {
      base.value = text;
      this.measureIn(text || placeholder || "");
    },
  };
}
