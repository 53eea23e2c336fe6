import { eventText } from "./event-texts.js";

/**
 * The audit trail of a session as the text of a file.
 *
 * @typedef {object} HistoryFile
 * @property {string} type the media type
 * @property {string} extension
 * @property {(events: object[], state: object, names: object) => string} write
 */

const COLUMNS = [
  ["version", (event) => event.version],
  ["occurred_at", (event) => event.occurred_at],
  ["event", (event) => event.event],
  ["what_happened", (event, state, names) => safe(eventText(event, state, names))],
  ["participant_id", (event) => safe(event.participant_id)],
  ["participant", nameOf("participant_id", "participant")],
  ["group_id", (event) => safe(event.group_id)],
  ["group", nameOf("group_id", "group")],
  ["cycle_number", (event) => event.cycle_number],
  ["time_remaining_ms", (event) => event.time_remaining_ms],
  ["time_elapsed_ms", (event) => event.time_elapsed_ms],
  ["actor", (event) => safe(event.actor)],
  ["request_id", (event) => safe(event.request_id)],
  ["metadata", (event) => JSON.stringify(event.metadata)],
];
/** Spreadsheets need it to read names in UTF-8. */
const BYTE_ORDER_MARK = "\uFEFF";
const FORMULA = /^[=+\-@\t\r]/;

/** @type {Object<string, HistoryFile>} */
export const HISTORY_FILES = {
  csv: { type: "text/csv", extension: "csv", write: csvOf },
  json: { type: "application/json", extension: "json", write: jsonOf },
};

/** One line per event, as in RFC 4180. */
function csvOf(events, state, names) {
  const lines = events.map((event) => COLUMNS.map(([, read]) => read(event, state, names)));
  const rows = [COLUMNS.map(([name]) => name), ...lines];
  return BYTE_ORDER_MARK + rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function jsonOf(events, state) {
  return `${JSON.stringify({ session: state, events }, null, 2)}\n`;
}

function nameOf(field, kind) {
  return (event, state, names) => (event[field] ? safe(names[kind](event[field])) : "");
}

/** A text that a spreadsheet would take for a formula gets an apostrophe, which it doesn't show. */
function safe(text) {
  return FORMULA.test(text ?? "") ? `'${text}` : text;
}

function cell(value) {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
