import { isTerminal, sharedClocks } from "/clients/js/synckairos.js";
import { outcomeText } from "./announcements.js";
import { controls } from "./controls.js";
import { el, setText } from "./dom.js";
import { countdown } from "./format.js";
import { nobodyYet } from "./nobody-yet.js";
import { participantList } from "./participant-list.js";
import { questionOf } from "./questions.js";
import { sharedClock } from "./shared-clock.js";
import { isLow } from "./thresholds.js";
import { stepBar } from "./step-bar.js";

/** A quiz whose questions all answer at the same time: the question, its clock, and what follows. */
export function quizPage({ act, ask }) {
  const clock = sharedClock();
  const steps = stepBar();
  const participants = participantList((id) => act.switchTo(id));
  const empty = nobodyYet(ask);
  const outcome = el("p", { class: "outcome" });
  const buttons = controls(act, ask);
  const element = el(
    "div",
    { class: "play quiz" },
    outcome,
    empty.element,
    steps.element,
    el("div", { class: "clock-area" }, clock.element),
    participants.element,
    buttons.element,
  );
  let state;

  function update(detail, names, allowed) {
    state = detail.state;
    const question = questionOf(state);
    clock.update({ title: question.text, status: state.status });
    steps.update(question);
    participants.update(state, names, allowed);
    empty.update(state, allowed);
    buttons.update(state, names, allowed);
    setText(outcome, isTerminal(state) ? outcomeText(state, names) : "");
  }

  function draw(at) {
    participants.draw(at);
    const { cycle, session } = sharedClocks(state, at);
    const ms = cycle ?? session ?? 0;
    const isOver = ms <= 0 && state.status !== "pending";
    const isCounted = state.status === "running" && !questionOf(state).isBreak;
    return clock.draw({
      ms,
      isOver,
      isLow: isCounted && isLow(ms, state),
      note: noteOf(state, isOver),
      below: "",
      detail: cycle !== null && session !== null ? `${countdown(session)} left in all` : "",
    });
  }

  return { element, update, draw };
}

function noteOf(state, isOver) {
  if (isOver) return "Time’s up";
  const { isBreak, itemTitle } = questionOf(state);
  return { pending: "Ready", paused: "Paused" }[state.status] ?? (isBreak ? itemTitle : "");
}
