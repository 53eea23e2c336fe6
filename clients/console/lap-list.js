import { elapsed } from "/clients/js/synckairos.js";
import { el } from "./dom.js";
import { lapTime } from "./format.js";
import { storeJson, storedJson } from "./storage.js";

/**
 * The laps of a `count_up` session, newest first. A lap is recorded when a state ends it, so laps
 * from before the page was opened are shown as one. They are kept across reloads of the tab.
 */
export function lapList(sessionId) {
  const list = el("ol", { class: "laps", "aria-label": "Laps" });
  const storageKey = `synckairos.laps.${sessionId}`;
  const marks = new Map(storedJson("sessionStorage", storageKey, []));

  function update({ state, previous, isNext }) {
    list.hidden = state.sync_mode !== "count_up";
    if (list.hidden) return;
    if (isNext && state.cycle_number === previous.cycle_number + 1 && state.cycle_started_at) {
      marks.set(previous.cycle_number, elapsed(previous, Date.parse(state.cycle_started_at)));
    }
    for (const lap of [...marks.keys()]) {
      const isUndone = lap >= state.cycle_number;
      if (isUndone || lap < 1) marks.delete(lap);
    }
    storeJson("sessionStorage", storageKey, [...marks]);
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
