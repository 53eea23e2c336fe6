import { isTerminal } from "/clients/js/synckairos.js";
import { el, setText } from "./dom.js";
import { countdownSeconds } from "./format.js";
import { questionOf } from "./questions.js";
import { roomView, warningOf } from "./room-clock.js";
import { roomClockPage, runPage } from "./run-page.js";
import { stepper } from "./run-steps.js";
import { isUnderWay, sectionOf } from "./runs.js";
import { stepBar } from "./step-bar.js";
import { titledDisplay } from "./titled-display.js";

/**
 * A quiz in which everyone answers on their own clock: an `individual` session with `rounds`, each
 * round a question. A player sees its own clock and the button to answer.
 */
export function quizAnswersPage(tools) {
  const onStep = stepper(tools);
  const steps = stepBar();
  const next = nextButton(tools);
  const heading = el("h2", { class: "quiz-question" });
  const page = runPage(tools, {
    viewOf: questionView,
    // An answer is sent at once, without a question: a quiz is fast.
    onOwnStep: (step, id) => (step === "finish" ? tools.act.finish(id) : onStep(step, id)),
    arrange: ({ own, head, list, isOwn }) => [
      steps.element,
      isOwn
        ? el("div", { class: "play" }, heading, own)
        : el("div", { class: "run-page" }, head, list),
    ],
  });
  page.controls.prepend(next.element);
  page.element.classList.add("quiz");

  function update(detail, names, allowed) {
    const question = questionOf(detail.state);
    steps.update(question);
    setText(heading, question.text);
    next.update(detail.state, question, allowed);
    page.update(detail, names, allowed);
  }

  return { ...page, update };
}

/** The question on a projector. */
export const quizAnswersDisplay = titledDisplay(() => roomClockPage(questionView));

function questionView(state, names) {
  const view = roomView(state, names);
  if (isTerminal(state) || state.status === "pending") return view;
  const over = isQuestionOver(state) ? overView(state) : {};
  return (at) => ({
    ...view(at),
    ...over,
    label: questionOf(state).text,
    detail: answersText(state),
  });
}

/** Whether everyone has answered or is out of time. */
function isQuestionOver({ participants }) {
  return participants.length > 0 && participants.every((run) => sectionOf(run) === "done");
}

/** The time that was left when the question ended. */
function overView(state) {
  const left = Math.min(...state.participants.map((run) => run.clock.left_ms));
  return { text: countdownSeconds(left), ...(left <= 0 && warningOf(state, left)) };
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
