import { isTerminal } from "/clients/js/synckairos.js";
import { bigClock } from "./big-clock.js";
import { el, setText } from "./dom.js";
import { runHead } from "./exam-page.js";
import { ownRun } from "./own-run.js";
import { questionOf } from "./questions.js";
import { roomView } from "./room-clock.js";
import { runControls } from "./run-controls.js";
import { runList } from "./run-list.js";
import { stepper } from "./run-steps.js";
import { isUnderWay } from "./runs.js";
import { stepBar } from "./step-bar.js";

/**
 * A quiz in which everyone answers on their own clock: an `individual` session with `rounds`, each
 * round a question. A player sees its own clock and the button to answer.
 */
export function quizAnswersPage(tools) {
  const onStep = stepper(tools);
  const clock = bigClock();
  const steps = stepBar();
  const next = nextButton(tools);
  const controls = runControls(tools);
  controls.element.prepend(next.element);
  const list = runList({ onStep });
  // An answer is sent at once, without a question: a quiz is fast.
  const own = ownRun((step, id) => (step === "finish" ? tools.act.finish(id) : onStep(step, id)));
  const heading = el("h2", { class: "quiz-question" });
  const ownPart = el("div", { class: "play" }, heading, own.element);
  const all = el("div", { class: "run-page" }, runHead(clock, controls), list.element);
  const element = el("div", { class: "play quiz" }, steps.element);
  let isOwn;
  let view;

  function update({ state }, names, allowed) {
    isOwn = Boolean(allowed.own);
    const part = isOwn ? ownPart : all;
    if (part !== element.lastChild) element.replaceChildren(steps.element, part);
    const question = questionOf(state);
    steps.update(question);
    setText(heading, question.text);
    if (isOwn) return own.update(state, names, allowed);
    view = questionView(state, names);
    next.update(state, question, allowed);
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

/** The question on a projector. */
export function quizAnswersDisplay() {
  const clock = bigClock();
  const title = el("h1", { class: "room-title" });
  const element = el("div", { class: "room" }, title, clock.element);
  let view;

  function update({ state }, names) {
    setText(title, names.title);
    view = questionView(state, names);
  }

  return { element, update, draw: (at) => clock.draw(view(at)) };
}

function questionView(state, names) {
  const view = roomView(state, names);
  if (isTerminal(state) || state.status === "pending") return view;
  return (at) => ({ ...view(at), label: questionOf(state).text, detail: answersText(state) });
}

function answersText({ participants }) {
  const answered = participants.filter(({ state }) => state === "finished").length;
  return `${answered} of ${participants.length} answered`;
}

/** The button for the next question. It waits until all have answered or are out of time. */
function nextButton({ act, ask }) {
  const words = el("span");
  const element = el("button", { class: "primary", type: "button", onclick: () => press() }, words);
  let press;

  function update(state, { number, total }, allowed) {
    const isLast = number === total;
    element.hidden = !allowed.manage || state.status !== "running";
    element.disabled = state.participants.some(isUnderWay);
    setText(words, isLast ? "End the quiz …" : "Next question");
    press = () => (isLast ? ask("complete") : act.nextQuestion(number + 1));
  }

  return { element, update };
}
