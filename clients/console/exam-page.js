import { bigClock } from "./big-clock.js";
import { el } from "./dom.js";
import { ownRun } from "./own-run.js";
import { roomView } from "./room-clock.js";
import { runControls } from "./run-controls.js";
import { runList } from "./run-list.js";
import { stepper } from "./run-steps.js";

/**
 * The page of an exam: the room's clock and all candidates with their time. A candidate sees its own
 * clock only.
 */
export function examPage(tools) {
  const onStep = stepper(tools);
  const clock = bigClock();
  const controls = runControls(tools);
  const list = runList({ onStep });
  const own = ownRun(onStep);
  const all = el("div", { class: "run-page" }, runHead(clock, controls), list.element);
  const element = el("div", { class: "play" });
  let isOwn;
  let view;

  function update({ state }, names, allowed) {
    isOwn = Boolean(allowed.own);
    const part = isOwn ? own.element : all;
    if (part !== element.firstChild) element.replaceChildren(part);
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

/** The room's clock for a projector. */
export function examDisplay() {
  const clock = bigClock();
  const title = el("h1", { class: "room-title" });
  const element = el("div", { class: "room" }, title, clock.element);
  let view;

  function update({ state }, names) {
    title.textContent = names.title;
    view = roomView(state, names);
  }

  return { element, update, draw: (at) => clock.draw(view(at)) };
}

/** The clock of the room beside the buttons for all. */
export function runHead(clock, controls) {
  return el("header", { class: "run-head" }, clock.element, controls.element);
}
