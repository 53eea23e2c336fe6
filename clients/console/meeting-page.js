import { isTerminal, sharedClocks } from "/clients/js/synckairos.js";
import { agenda } from "./agenda.js";
import { outcomeText } from "./announcements.js";
import { controls } from "./controls.js";
import { el, setText } from "./dom.js";
import { duration, timeOfDay } from "./format.js";
import { currentItem, expectedEnd, offsetText, positionOf, titleOf } from "./programme.js";
import { sharedClock } from "./shared-clock.js";
import { isLow } from "./thresholds.js";

/** A meeting with an agenda: the current item, all items, and how far the meeting is behind. */
export function meetingPage({ act, ask }) {
  const clock = sharedClock();
  const list = agenda((id) => act.go(id));
  const offset = el("strong", { class: "offset" });
  const end = el("span", { class: "offset-end" });
  const outcome = el("p", { class: "outcome" });
  const buttons = controls(act, ask);
  const element = el(
    "div",
    { class: "play" },
    outcome,
    el(
      "div",
      { class: "clock-area" },
      clock.element,
      el("div", { class: "side" }, el("p", { class: "offset-line" }, offset, end), list.element),
    ),
    buttons.element,
  );
  let state;

  function update(detail, names, allowed) {
    state = detail.state;
    const item = currentItem(state);
    clock.update({ title: item ? titleOf(item) : names.title, status: state.status });
    clock.element.hidden = !item;
    list.update(state, allowed);
    buttons.update(state, names, allowed);
    setText(outcome, isTerminal(state) ? outcomeText(state, names) : "");
  }

  function draw(at) {
    list.draw(at);
    const isBehind = offsetText(state, at).endsWith("behind");
    setText(offset, state.status === "pending" ? totalText(state) : offsetText(state, at));
    offset.toggleAttribute("data-behind", isBehind);
    setText(end, isTerminal(state) ? "" : endText(state, at));
    return drawClock(at);
  }

  function drawClock(at) {
    const item = currentItem(state);
    if (!item) return Infinity;
    const ms = sharedClocks(state, at).cycle ?? 0;
    const isOver = ms <= 0 && state.status !== "pending";
    return clock.draw({
      ms,
      isOver,
      isLow: state.status === "running" && isLow(ms, state),
      note: noteOf(state, isOver),
      below: "",
      detail: detailOf(state, item),
    });
  }

  return { element, update, draw };
}

function noteOf({ status, overtime }, isOver) {
  if (isOver) return overtime ? "Over time" : "Time’s up";
  return { pending: "Ready", paused: "Paused" }[status] ?? "";
}

function detailOf(state, item) {
  const { number, total } = positionOf(state);
  const planned = `${duration(item.duration_ms)} planned`;
  const rounds = state.repeat > 1 ? [`round ${state.round ?? 1} of ${state.repeat}`] : [];
  return [`Item ${number} of ${total}`, ...rounds, planned].join(" · ");
}

function totalText({ items }) {
  return `${duration(items.reduce((sum, item) => sum + item.planned_ms, 0))} planned`;
}

function endText(state, at) {
  const time = timeOfDay(expectedEnd(state, at));
  return state.status === "pending" ? `ends at ${time} if it starts now` : `ends about ${time}`;
}
