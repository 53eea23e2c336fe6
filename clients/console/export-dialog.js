import { openDialogWith } from "./dialog.js";
import { el, setText } from "./dom.js";
import { errorText } from "./error-texts.js";
import { field, select } from "./field.js";
import { count } from "./format.js";
import { HISTORY_FILES } from "./history-file.js";
import { notify } from "./notifications.js";
import { readWholeTrail } from "./whole-trail.js";

const FORMATS = [
  ["csv", "Table (CSV), for a spreadsheet"],
  ["json", "JSON, for a program"],
];
/** Browsers begin to save within this time; then the text needs no memory any more. */
const KEPT_MS = 60_000;
const MAX_NAME = 80;
const NOT_IN_NAMES = /[\p{Cc}\p{Cf}\s\\/:*?"<>|]+/gu;

/** Ask for a format, read all events of the session, and save them as a file with these names. */
export function openExport(session, names) {
  const format = field("Format", select(FORMATS));
  const bar = el("progress", { "aria-label": "Events read", value: 0 });
  const words = el("span", { class: "export-words" });
  const progress = el("p", { class: "export-progress", hidden: true }, bar, words);
  const { version } = session.state;
  const intro = el("p", {}, `All that has happened so far: ${count(version, "event")}.`);

  function showProgress(readVersion) {
    bar.value = readVersion;
    setText(words, `${readVersion.toLocaleString()} of ${bar.max.toLocaleString()}`);
    return dialog.open;
  }

  async function save() {
    const { state } = session;
    bar.max = state.version;
    progress.hidden = false;
    showProgress(0);
    try {
      const events = await readWholeTrail(session, state.version, showProgress);
      if (events) saveFile(HISTORY_FILES[format.value], events, state, names);
      return true;
    } catch (error) {
      progress.hidden = true;
      return errorText(error);
    }
  }

  const body = [intro, format.element, progress];
  const dialog = openDialogWith("Download the history", body, "Download", save);
  format.control.focus();
}

function saveFile({ type, extension, write }, events, state, names) {
  const missing = state.version - (events.at(-1)?.version ?? 0);
  const url = URL.createObjectURL(new Blob([write(events, state, names)], { type }));
  el("a", { href: url, download: `${fileName(names.title)} history.${extension}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  notify(
    missing > 0
      ? `Downloaded without the newest ${count(missing, "event")}. Try again in a minute.`
      : `Downloaded ${count(events.length, "event")}`,
  );
}

/** A title without the characters that some systems don't allow in the name of a file. */
function fileName(title) {
  const name = title.replace(NOT_IN_NAMES, " ").trim();
  return name.slice(0, MAX_NAME) || "Session";
}
