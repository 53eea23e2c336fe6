import { participantOf } from "/clients/js/synckairos.js";
import { allowedIn } from "./allowed.js";
import { countsUp, isLastRun } from "./runs.js";
import { wordsOf } from "./words.js";

/** The words on the button of a step (see `stepsOf` of `runs.js`). */
export function stepText(step, state, run) {
  const { finish, unfinish, giveUp } = wordsOf(state);
  const texts = {
    begin: "Begin",
    resume: "Resume",
    finish,
    reopen: run.state === "finished" ? unfinish : "Reopen",
    pause: "Pause",
    give: "More time …",
    giveUp,
    rename: "Rename …",
    remove: "Remove …",
  };
  return texts[step];
}

/**
 * Returns what does a step of a participant. A step that ends the session, or that the user can't
 * take back, is confirmed first.
 */
export function stepper({ session, act, ask }) {
  return (step, id) => {
    const { state } = session;
    const run = state && participantOf(state, id);
    if (!run) return;
    const isHandIn = allowedIn(state).own === run.participant_id && !countsUp(state);
    const isLast = isLastRun(state, run);
    const needsTime = !countsUp(state) && run.state === "closed" && !run.clock?.left_ms;
    const doIt = {
      begin: () => act.begin([id]),
      resume: () => act.resumePerson(id),
      finish: () => {
        if (isHandIn) ask("finishOwn", id);
        else if (isLast) ask("finishLast", id);
        else act.finish(id);
      },
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
