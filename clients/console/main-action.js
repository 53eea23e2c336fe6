import { hasFallen } from "/clients/js/synckairos.js";
import { countsUp, sectionOf } from "./runs.js";
import { suitablePurpose } from "./suitable-purpose.js";
import { takesTurns } from "./turn-words.js";

/**
 * @typedef {"start"|"resume"|"switch"|"pause"|"complete"} MainAction
 */

/**
 * What the main button and the Space key do: the next step of a session. It is null if there is
 * none, or if the page has other buttons for it, such as those of bidders.
 *
 * @param {import("/clients/js/synckairos.js").SessionState} state
 * @param {import("./allowed.js").Allowed} allowed
 * @returns {?MainAction}
 */
export function mainAction(state, allowed) {
  if (state.sync_mode === "individual") return runsAction(state, allowed);
  if (allowed.start) return "start";
  if (allowed.resume) return "resume";
  if (allowed.switch) return "switch";
  if (state.status !== "running" || takesTurns(state)) return null;
  if (allowed.manage && isOver(state)) return "complete";
  return allowed.pause ? "pause" : null;
}

/** The next step for all. Each participant has a button of its own, and so has a page of its own. */
function runsAction(state, allowed) {
  if (allowed.own) return null;
  if (allowed.start) return "start";
  if (allowed.resume) return "resume";
  return allowed.manage && isRaceOver(state) ? "complete" : null;
}

/** Whether the only clock counts below zero, which ends nothing. */
function isOver(state) {
  return hasFallen(state, state.session_clock, state.server_time_ms);
}

/** Whether all have finished or given up in a session that goes on until somebody ends it. */
function isRaceOver(state) {
  const { participants } = state;
  const isQuiz = suitablePurpose(state) === "quiz_answers"; // its page has the next question's button
  const isDone = participants.length > 0 && participants.every((run) => sectionOf(run) === "done");
  return state.status === "running" && !isQuiz && countsUp(state) && isDone;
}
