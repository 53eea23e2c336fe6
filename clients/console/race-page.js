import { el } from "./dom.js";
import { raceResults } from "./race-results.js";
import { roomClockPage, runPage } from "./run-page.js";
import { stepper } from "./run-steps.js";
import { SECTIONS } from "./runs.js";
import { titledDisplay } from "./titled-display.js";

const UNDONE = SECTIONS.filter((section) => section !== "done");
const HINTS = { running: "Press a name to record the finish" };
const MOST_ON_DISPLAY = 8;

/**
 * The page of a race: those who run, each a button that records the finish, and the results. A
 * runner sees its own clock and the results.
 */
export function racePage(tools) {
  const results = raceResults({ onStep: stepper(tools) });
  const page = runPage(tools, {
    list: { sections: UNDONE, hints: HINTS },
    arrange: ({ own, head, list, isOwn }) => [
      el(
        "div",
        { class: "run-page" },
        isOwn ? own : head,
        el("div", { class: "race" }, !isOwn && list, results.element),
      ),
    ],
  });
  return withResults(page, results);
}

/** The time of the race and the first finishers, for a projector. */
export const raceDisplay = titledDisplay(() => {
  const clock = roomClockPage();
  const results = raceResults({ most: MOST_ON_DISPLAY });
  const element = el("div", { class: "room-parts" }, clock.element, results.element);
  return withResults({ ...clock, element }, results);
});

function withResults(page, results) {
  function update(detail, names, allowed) {
    results.update(detail.state, names, allowed);
    page.update(detail, names, allowed);
  }

  return { ...page, update };
}
