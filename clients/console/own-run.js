import { isTerminal, participantOf } from "/clients/js/synckairos.js";
import { bigClock } from "./big-clock.js";
import { el, setText } from "./dom.js";
import { countdownSeconds, elapsedTime, untilNextSecond } from "./format.js";
import { warningOf } from "./room-clock.js";
import { stepText } from "./run-steps.js";
import { countsUp, runTime, stepsOf } from "./runs.js";
import { wordsOf } from "./words.js";

/** What a participant sees of its own time: a large clock, and a button to begin or to finish. */
export function ownRun(onStep) {
  const clock = bigClock();
  const step = el("button", { type: "button", class: "primary big", id: "primary" });
  const element = el("div", { class: "own-run" }, clock.element, step);
  let known;

  step.addEventListener("click", () => onStep(known.usual, known.run.participant_id));

  function update(state, names, allowed) {
    const run = participantOf(state, allowed.own);
    const [usual] = stepsOf(state, run, allowed);
    known = { state, run, usual, name: names.participant(allowed.own) };
    step.hidden = !usual;
    if (usual) setText(step, stepText(usual, state, run));
  }

  function draw(at) {
    return clock.draw(viewOf(known, at));
  }

  return { element, update, draw };
}

function viewOf({ state, run, name }, at) {
  const ms = runTime(state, run, at);
  const isUp = countsUp(state);
  const view = {
    label: name,
    text: isUp ? elapsedTime(ms) : countdownSeconds(ms),
    detail: stateText(state, run),
    note: "",
    tone: "calm",
  };
  const isRunning = run.state === "running" && state.status === "running";
  if (isUp) return { ...view, tone: isRunning ? "running" : "calm" };
  if (isRunning) return { ...view, untilChange: untilNextSecond(ms), ...warningOf(state, ms) };
  const isOver = run.state === "overdue" || (run.state === "closed" && run.has_expired);
  return isOver ? { ...view, note: "Time’s up", tone: "over" } : view;
}

function stateText(state, run) {
  const { session, states } = wordsOf(state);
  const isWaiting = run.state === "not_begun";
  if (isTerminal(state) && run.state !== "finished") return `The ${session} has ended`;
  if (state.status === "pending") return "Not started yet";
  if (state.status === "paused" && run.state === "running") return "Paused for everybody";
  if (run.state === "running" || run.state === "closed") return "";
  if (run.state === "overdue") return "Hand in now";
  return isWaiting ? "Begin when you are ready" : states[run.state];
}
