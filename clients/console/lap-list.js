import { elapsed } from "/clients/js/synckairos.js";
import { el } from "./dom.js";
import { lapTime } from "./format.js";

/**
 * The laps of a `count_up` session, newest first. A lap is recorded when a state ends it, so laps
 * from before the page was opened are shown as one. They are kept across reloads of the tab.
 */
export function lapList(sessionId) {
  const list = el("ol", { class: "laps", "aria-label": "Laps" });
  const storageKey = `synckairos.laps.${sessionId}`;
  let marks = new Map(restore(storageKey));

  function update({ state, previous, isNext }) {
    list.hidden = state.sync_mode !== "count_up";
    if (list.hidden) return;
    if (isNext && state.cycle_number === previous.cycle_number + 1 && state.cycle_started_at) {
      const since = state.server_time_ms - Date.parse(state.cycle_started_at);
      marks.set(previous.cycle_number, elapsed(state, state.server_time_ms) - since);
      keep(storageKey, [...marks]);
    }
    if (state.cycle_number <= 1) marks = new Map();
    list.replaceChildren(...rowsOf(marks).reverse());
  }

  return { element: list, update };
}

function rowsOf(marks) {
  let [last, at] = [0, 0];
  return [...marks.entries()].map(([lap, end]) => {
    const label = lap === last + 1 ? `Lap ${lap}` : `Laps ${last + 1}–${lap}`;
    const item = el(
      "li",
      {},
      el("span", {}, label),
      el("span", { class: "lap-time" }, lapTime(end - at)),
      el("span", { class: "lap-total" }, lapTime(end)),
    );
    [last, at] = [lap, end];
    return item;
  });
}

function restore(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? [];
  } catch {
    return [];
  }
}

function keep(key, marks) {
  try {
    sessionStorage.setItem(key, JSON.stringify(marks));
  } catch {
    /* without storage, laps are lost when the page is closed */
  }
}
