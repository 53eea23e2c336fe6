import { bigClock } from "./big-clock.js";
import { el } from "./dom.js";
import { ownRun } from "./own-run.js";
import { roomView } from "./room-clock.js";
import { runControls } from "./run-controls.js";
import { runList } from "./run-list.js";
import { stepper } from "./run-steps.js";

/**
 * The room's clock.
 *
 * @param {typeof roomView} [viewOf] what the clock shows of a state
 * @returns {import("./purposes.js").Page}
 */
export function roomClockPage(viewOf = roomView) {
  const clock = bigClock();
  let view;
  return {
    element: clock.element,
    update: ({ state }, names) => (view = viewOf(state, names)),
    draw: (at) => clock.draw(view(at)),
  };
}

/**
 * The page of a session in which each participant has an own clock: the room's clock, the buttons
 * for all, and the list of participants. A participant sees its own clock only.
 *
 * @param {import("./purposes.js").PageTools} tools
 * @param {object} options
 * @param {(parts: {own: Node, head: Node, list: Node, isOwn: boolean}) => Node[]} options.arrange
 *   the content of the page; called again when `isOwn` changes
 * @param {typeof roomView} [options.viewOf] what the room's clock shows of a state
 * @param {object} [options.list] options of `runList`
 * @param {(step: string, id: string) => void} [options.onOwnStep] runs a participant's own step
 * @returns {import("./purposes.js").Page & {controls: HTMLElement}}
 */
export function runPage(tools, { arrange, viewOf, list: listOptions, onOwnStep }) {
  const onStep = stepper(tools);
  const room = roomClockPage(viewOf);
  const controls = runControls(tools);
  const list = runList({ onStep, ...listOptions });
  const own = ownRun(onOwnStep ?? onStep);
  const head = el("header", { class: "run-head" }, room.element, controls.element);
  const element = el("div", { class: "play" });
  let isOwn;

  function update(detail, names, allowed) {
    const { state } = detail;
    if (isOwn !== Boolean(allowed.own)) {
      isOwn = Boolean(allowed.own);
      const parts = { own: own.element, head, list: list.element, isOwn };
      element.replaceChildren(...arrange(parts));
    }
    if (isOwn) return own.update(state, names, allowed);
    room.update(detail, names);
    controls.update(state, allowed);
    list.update(state, names, allowed);
  }

  function draw(at) {
    if (isOwn) return own.draw(at);
    list.draw(at);
    return room.draw(at);
  }

  return { element, update, draw, controls: controls.element };
}
