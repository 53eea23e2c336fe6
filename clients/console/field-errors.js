import { ruleText } from "./format.js";

const TOO_EARLY = "Too early: somebody’s time would be cut";

/**
 * Show each of the API's error `details` at its field.
 *
 * @param {{field: string, message: string}[]} details
 * @param {object[]} people the rows, in the order of the request
 * @param {object} fields the settings
 * @returns {string[]} the errors of fields that the page doesn't show
 */
export function showFieldErrors(details, people, fields) {
  const unassigned = [];
  for (const { field, message, code } of details) {
    const target = targetOf(field, people, fields);
    const words = code === "cut" ? TOO_EARLY : ruleText(message);
    if (target && !target.element.hidden) target.showError(words);
    else unassigned.push(`${field} ${message}`);
  }
  return unassigned;
}

function targetOf(path, people, fields) {
  const [name, position, part] = path.split(".");
  switch (name) {
    case "participants":
      if (position === undefined) return fields.people;
      return rowTarget(people[Number(position)], part, fields);
    case "groups":
    case "total_time_ms":
      return fields.time;
    case "time_per_cycle_ms":
      return fields.cycle.element.hidden ? fields.time : fields.cycle;
    case "items":
      return itemTarget(fields, Number(position), part);
    case "repeat":
      return fields.questions;
    case "extend_on_switch":
      return position === "window_ms" ? fields.window : fields.extension;
    case "max_time_ms":
      return fields.ceiling;
    case "increment_ms":
      return fields.increment;
    case "time_control":
      return fields.control;
    case "warn_at_ms":
      return fields.warnings;
    case "closes_at":
      return fields.closes;
    case "grace_ms":
      return fields.grace;
    case "action_on_timeout":
      return fields.action;
    case "metadata":
      return fields.title;
    default:
      return null;
  }
}

/** The field of an item's error: its row of the agenda, or the time of each question. */
function itemTarget({ agenda, cycle }, position, part) {
  const row = agenda.rows[position];
  if (!row) return cycle;
  return part === "duration_ms" ? row.length : row.title;
}

/** The field of a person's error; without an own time, the shared time is at fault. */
function rowTarget(row, part, fields) {
  if (!row) return null;
  if (part === "extra_ms" || part === "factor_permille") return row.extra;
  if (part === "closes_at") return fields.closes;
  if (part !== "total_time_ms") return row.name;
  return row.time.value.trim() ? row.time : fields.time;
}
