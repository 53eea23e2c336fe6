import { allowanceText } from "./allowance.js";
import { el, setFlag, setText } from "./dom.js";
import { countdownSeconds, duration, elapsedTime, timeOfDay } from "./format.js";
import { stepText } from "./run-steps.js";
import { countsUp, runTime, sectionOf, stepsOf } from "./runs.js";
import { isLow } from "./thresholds.js";

/**
 * One participant of an `individual` session: name, time, the usual step, and a button for others.
 * `update` takes a new state; `draw` changes the document only when the text changes.
 */
export function runRow({ onStep, onMore }) {
  const name = el("span", { class: "run-name", dir: "auto" });
  const extra = el("span", { class: "run-extra" });
  const detail = el("span", { class: "run-detail" });
  const time = el("span", { class: "run-time" });
  const step = el("button", { type: "button", class: "run-step" });
  const more = el("button", { type: "button", class: "quiet icon-only run-more" }, "⋯");
  const element = el(
    "li",
    { class: "run" },
    el("span", { class: "run-who" }, name, detail, extra),
    time,
    step,
    more,
  );
  let known;
  let drawn = "";

  step.addEventListener("click", () => onStep(known.usual, known.run.participant_id));
  more.addEventListener("click", () => onMore(more, known));

  function update(state, run, label, allowed) {
    const [usual, ...others] = stepsOf(state, run, allowed);
    const isUsual = ["begin", "resume", "finish", "reopen"].includes(usual);
    const further = isUsual ? others : [usual, ...others].filter(Boolean);
    known = { state, run, label, usual, others: further };
    setText(name, label);
    name.title = label;
    setText(extra, allowanceText(run));
    setText(detail, detailOf(state, run));
    element.dataset.state = run.state;
    step.hidden = !isUsual;
    if (isUsual) {
      setText(step, stepText(usual, state, run));
      step.setAttribute("aria-label", `${stepText(usual, state, run)}: ${label}`);
    }
    more.hidden = !known.others.length;
    more.setAttribute("aria-label", `More for ${label}`);
    drawn = "";
  }

  function draw(at) {
    const { state, run } = known;
    const ms = runTime(state, run, at);
    const text = timeText(state, run, ms);
    if (text === drawn) return;
    drawn = text;
    setText(time, text);
    setFlag(element, "low", run.state === "running" && !countsUp(state) && isLow(ms, state));
  }

  return { element, update, draw };
}

function timeText(state, run, ms) {
  if (sectionOf(run) === "done") return duration(Math.floor(run.time_used_ms / 1000) * 1000);
  return countsUp(state) ? elapsedTime(ms).split(".")[0] : countdownSeconds(ms);
}

function detailOf(state, run) {
  switch (run.state) {
    case "running":
      return run.deadline_at && state.status === "running"
        ? `until ${timeOfDay(run.deadline_at)}`
        : "";
    case "finished":
      return `at ${timeOfDay(run.finished_at)}${run.late_ms ? `, ${lateText(run.late_ms)}` : ""}`;
    case "closed":
      return run.has_expired ? "time’s up" : "closed";
    default:
      return "";
  }
}

function lateText(ms) {
  return `${duration(Math.ceil(ms / 1000) * 1000)} late`;
}
