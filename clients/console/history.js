import { el, setFlag } from "./dom.js";
import { openExport } from "./export-dialog.js";
import { fairnessSection } from "./fairness-section.js";
import { store, stored } from "./storage.js";
import { timeControlSection } from "./time-control-section.js";
import { Trail } from "./trail.js";
import { trailList } from "./trail-list.js";
import { usageChart } from "./usage-chart.js";

const KEY = "synckairos.history";
const isWide = matchMedia("(min-width: 1100px)");

/**
 * The session's history: a chart of the time used, the lag report, and the audit trail. It is open
 * beside the clocks on wide screens, collapsed below them on narrow ones.
 */
export function historyPanel(session) {
  const trail = new Trail((after, limit) => session.events(after, limit));
  const chart = usageChart();
  const list = trailList(trail);
  const control = timeControlSection();
  const fairness = fairnessSection(
    () => session.fairness(),
    () => element.open,
  );
  const save = el(
    "button",
    { type: "button", class: "quiet history-save", "aria-haspopup": "dialog" },
    "Download …",
  );
  save.addEventListener("click", () => openExport(session, known[1]));
  const element = el(
    "details",
    { class: "history", open: isWide.matches && stored("localStorage", KEY) !== "closed" },
    el("summary", {}, el("span", {}, "History")),
    el(
      "div",
      { class: "history-inside" },
      control.element,
      section("usage-title", "Time used", chart.element),
      fairness.element,
      section("trail-title", "What happened", list.element, save),
    ),
  );
  let known;
  let isBeside = true;

  /** Place the panel beside the page where there is room, or collapsed below it. */
  function place(isBelow) {
    isBeside = !isBelow;
    setFlag(element, "below", isBelow);
    if (isBelow) element.open = false;
  }

  function update(state, names, allowed) {
    known = [state, names];
    save.hidden = !allowed.readHistory;
    control.update(state, names);
    chart.update(state, names);
    fairness.update(state, names, allowed);
    trail.loadUpTo(state);
    list.update(state, names);
  }

  function draw(at) {
    if (element.open) chart.draw(at);
  }

  /** Add a note `words(names)` to the list of events, for what isn't in the trail. */
  function addNote(words) {
    const [state] = known;
    list.addNote(state.version, words);
    list.update(...known);
  }

  trail.addEventListener("change", () => {
    chart.addEvents(trail.events);
    list.update(...known);
  });
  element.addEventListener("toggle", () => {
    fairness.refresh();
    if (isBeside && isWide.matches) store("localStorage", KEY, element.open ? "open" : "closed");
  });
  function stop() {
    trail.stop();
    fairness.stop();
  }

  return { element, place, update, addNote, draw, stop };
}

/** A section of the panel; `button` is beside its title. */
function section(id, title, content, button) {
  const heading = el("div", { class: "history-heading" }, el("h2", { id }, title), button);
  return el("section", { "aria-labelledby": id }, heading, content);
}
