import { countsUp, isLastRun } from "./runs.js";
import { wordsOf } from "./words.js";

/** The words on the button of a step (see `stepsOf` of `runs.js`). */
export function stepText(step, state, run) {
  const { finish, states } = wordsOf(state);
  const texts = {
    begin: "Begin",
    resume: "Resume",
    finish,
    reopen: run.state === "finished" ? "Undo the finish" : "Reopen",
    pause: "Pause",
    give: "More time …",
    giveUp: countsUp(state) ? states.closed : "Close without a finish",
    rename: "Rename …",
    remove: "Remove …",
  };
  return texts[step];
}

/** Do a step of a run. A step that ends the session, or can't be taken back, is confirmed first. */
export function stepper({ act, ask }) {
  return (step, state, run) => {
    const id = run.participant_id;
    const isLast = isLastRun(state, run);
    const needsTime = !countsUp(state) && run.state === "closed" && !run.clock?.left_ms;
    const doIt = {
      begin: () => act.begin([id]),
      resume: () => act.resumePerson(id),
      finish: () => (isLast ? ask("finishLast", id) : act.finish(id)),
      reopen: () => (needsTime ? ask("giveTime", id) : act.reopen(id)),
      pause: () => act.pausePerson(id),
      give: () => ask("giveTime", id),
      giveUp: () => (isLast ? ask("giveUpLast", id) : act.giveUp(id)),
      rename: () => ask("rename", id),
      remove: () => ask("removeRun", id),
    };
    doIt[step]();
  };
}
