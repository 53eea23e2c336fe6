import { el } from "./dom.js";
import { Trail } from "./trail.js";
import { trailList } from "./trail-list.js";
import { usageChart } from "./usage-chart.js";

const KEY = "synckairos.story";
const isWide = matchMedia("(min-width: 1100px)");

/**
 * The session's history: a chart of the time used, and the audit trail. It is open beside the
 * clocks on wide screens, collapsed below them on narrow ones. `read` returns a page of the trail.
 */
export function story(read) {
  const trail = new Trail(read);
  const chart = usageChart();
  const list = trailList(trail);
  const element = el(
    "details",
    { class: "story", open: isWide.matches && stored() !== "closed" },
    el("summary", {}, el("span", {}, "History")),
    el(
      "div",
      { class: "story-inside" },
      section("usage-title", "Time used", chart.element),
      section("trail-title", "What happened", list.element),
    ),
  );
  let known;

  function update(state, naming) {
    known = [state, naming];
    chart.update(state, naming);
    trail.follow(state);
    list.update(state, naming);
  }

  function draw(at) {
    if (element.open) chart.draw(at);
  }

  trail.addEventListener("change", () => {
    chart.learn(trail.events);
    list.update(...known);
  });
  element.addEventListener("toggle", () => isWide.matches && keep(element.open));
  return { element, update, draw, stop: () => trail.stop() };
}

function section(id, title, content) {
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), content);
}

/** Without storage, the choice is lost when the page is closed. */
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(isOpen) {
  try {
    localStorage.setItem(KEY, isOpen ? "open" : "closed");
  } catch {
    /* no storage */
  }
}
