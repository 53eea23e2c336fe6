import { bigClock } from "./big-clock.js";
import { el } from "./dom.js";
import { runHead } from "./exam-page.js";
import { ownRun } from "./own-run.js";
import { raceResults } from "./race-results.js";
import { roomView } from "./room-clock.js";
import { runControls } from "./run-controls.js";
import { runList } from "./run-list.js";
import { stepper } from "./run-steps.js";
import { SECTIONS } from "./runs.js";

const UNDONE = SECTIONS.filter((section) => section !== "done");
const HINTS = { running: "Press a name to record the finish" };
const MOST_ON_DISPLAY = 8;

/**
 * The page of a race: those who run, each a button that records the finish, and the results. A
 * runner sees its own clock and the results.
 */
export function racePage(tools) {
  const onStep = stepper(tools);
  const clock = bigClock();
  const controls = runControls(tools);
  const list = runList({ onStep, sections: UNDONE, hints: HINTS });
  const results = raceResults({ onStep });
  const own = ownRun(onStep);
  const head = runHead(clock, controls);
  const board = el("div", { class: "race" });
  const inside = el("div", { class: "run-page" });
  const element = el("div", { class: "play" }, inside);
  let isOwn;
  let view;

  function update({ state }, names, allowed) {
    isOwn = Boolean(allowed.own);
    const part = isOwn ? own.element : head;
    if (part !== inside.firstChild) {
      board.replaceChildren(...(isOwn ? [] : [list.element]), results.element);
      inside.replaceChildren(part, board);
    }
    results.update(state, names, allowed);
    if (isOwn) return own.update(state, names, allowed);
    view = roomView(state, names);
    controls.update(state, allowed);
    list.update(state, names, allowed);
  }

  function draw(at) {
    if (isOwn) return own.draw(at);
    list.draw(at);
    return clock.draw(view(at));
  }

  return { element, update, draw };
}

/** The time of the race and the first finishers, for a projector. */
export function raceDisplay() {
  const clock = bigClock();
  const title = el("h1", { class: "room-title" });
  const results = raceResults({ most: MOST_ON_DISPLAY });
  const element = el("div", { class: "room" }, title, clock.element, results.element);
  let view;

  function update({ state }, names, allowed) {
    title.textContent = names.title;
    view = roomView(state, names);
    results.update(state, names, allowed);
  }

  return { element, update, draw: (at) => clock.draw(view(at)) };
}
