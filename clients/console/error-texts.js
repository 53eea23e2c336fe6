import { ruleText } from "./format.js";

const REFUSALS = {
  401: ["You need a new link", "Ask the host for a new link to this session."],
  403: ["Your link doesn’t allow this", "Ask the host for a link that does."],
  404: ["Session not found", "Open the link that you were given for this session."],
};
/** What a page says, as a title and an instruction, if its address has no session. */
export const INCOMPLETE_LINK = [
  "This link doesn’t lead to a session",
  "It may be incomplete. Open the whole link, or ask the host for a new one.",
];
const NOT_SAVED = "The service can’t save changes right now. Try again shortly.";
const TOO_MANY = "Too many requests";
const NOTHING_TO_UNDO = "There is nothing to undo. A session keeps only its last 8 switches.";
const CHANGED_MEANWHILE =
  "The session has changed since you opened this window. Close it and look at the clocks first.";
const UNDO_LOSES_A_CHANGE =
  "Since then there was a pause, or a clock was changed. Choose the last of the three ways.";
const TIME_WOULD_BE_UP =
  "The clock of this turn would be at zero by now. Resume the session first, then undo.";
const STILL_ACTIVE = "It is this person’s turn now. Switch first, then remove the person.";
const NO_TIME_TO_GO_ON =
  "The clock that was running needs more time. Choose that clock, or everybody.";
const ADDED_WRONG = {
  too_small: "This is more time than a clock has. Take less time away.",
  too_big: "A clock can have at most 30 days. Add less time.",
};
const NO_SUCH_CODE =
  "No session has this code now. Check the letters, or ask the host for a new code.";
const TOO_MANY_CODES = "Too many wrong codes were entered in this network. Try again";
const NO_ROOM = "The host has no more room on this server. Ask the host to delete old sessions.";
const TAKEN = "Someone else has just chosen this person. Choose another.";
const MAY_NOT_CREATE =
  "You need permission to create sessions here. Ask the operator of this server for a host link.";

/** A permanent refusal as a title and an instruction. */
export function refusalText({ status }) {
  return REFUSALS[status];
}

/** An error as one or two sentences for the user. */
export function errorText({ status, code, message, details, retryAfterMs }) {
  if (status === 0) return "The service can’t be reached. Check your connection, then try again.";
  if (status === 401 || status === 403) return REFUSALS[status].join(". ");
  if (Array.isArray(details)) return "The service refused these values.";
  if (code === "CONFLICT") return "Someone else was faster. Look at the clocks first.";
  if (code === "STORE_UNAVAILABLE") return NOT_SAVED;
  if (status === 429) return `${TOO_MANY}. Try again ${inTime(retryAfterMs)}.`;
  return `${message}.`;
}

/** An error on undoing a switch as one or two sentences for the user. */
export function undoErrorText(error, mode) {
  if (error.code === "NOTHING_TO_UNDO") return NOTHING_TO_UNDO;
  if (error.code !== "CONFLICT") return errorText(error);
  if (error.details) return CHANGED_MEANWHILE;
  return mode === "as_if_never" ? TIME_WOULD_BE_UP : UNDO_LOSES_A_CHANGE;
}

/** An error on changing clocks as one or two sentences for the user. */
export function adjustErrorText(error) {
  const [detail] = Array.isArray(error.details) ? error.details : [];
  if (detail?.field === "reopen") return NO_TIME_TO_GO_ON;
  const isTooMuch = detail?.field === "add_ms" && ADDED_WRONG[detail.code];
  return isTooMuch || ruleErrorText(error);
}

/** An error on removing a participant as one or two sentences for the user. */
export function removalErrorText(error) {
  return error.code === "CONFLICT" ? STILL_ACTIVE : ruleErrorText(error);
}

/** An error as the rules that the request breaks. */
export function ruleErrorText(error) {
  if (!Array.isArray(error.details)) return errorText(error);
  return error.details.map(({ message }) => `${ruleText(message)}.`).join(" ");
}

/** An error on creating a session as one or two sentences for the user. */
export function creationErrorText(error) {
  return error.status === 401 || error.status === 403 ? MAY_NOT_CREATE : errorText(error);
}

/** An error on joining with a code as one or two sentences for the user. */
export function joinErrorText(error) {
  if (error.code === "NOT_FOUND") return NO_SUCH_CODE;
  if (error.details?.max_bytes) return NO_ROOM;
  if (error.status === 429) return `${TOO_MANY_CODES} ${inMinutes(error.retryAfterMs)}.`;
  if (error.code === "CONFLICT") return TAKEN;
  return ruleErrorText(error);
}

/**
 * An error on making a link or a code for others, as one or two sentences for the host. A host has
 * the right to share, so a 403 says that the service can't make tokens.
 */
export function sharingErrorText(error) {
  return error.status === 403 ? `${error.message}.` : errorText(error);
}

/** A temporary problem as a title and an explanation. */
export function problemText({ status, retryAfterMs }) {
  const when = inTime(retryAfterMs);
  const next = `This page tries again automatically ${when}. You don’t need to do anything.`;
  if (status === 429) return [TOO_MANY, `Many people are using this network. ${next}`];
  if (status === 0) return ["No connection", `The service can’t be reached. ${next}`];
  return ["The service is busy", `It can’t answer right now. ${next}`];
}

function inMinutes(ms) {
  const minutes = Math.ceil(ms / 60_000);
  return minutes > 1 ? `in ${minutes} minutes` : "in a minute";
}

function inTime(ms) {
  const seconds = Math.ceil(ms / 1000);
  return seconds > 1 ? `in ${seconds} seconds` : "in a moment";
}
