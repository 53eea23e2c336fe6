import { refusalText } from "./error-texts.js";

const WORDS = {
  pending: ["", "Not started"],
  paused: ["pause", "Paused"],
  expired: ["flag", "Time’s up"],
  completed: ["done", "Completed"],
  cancelled: ["remove", "Cancelled"],
};
const CONNECTING = ["", "Connecting"];

/**
 * What a tile says about its session beside the clocks.
 *
 * @param {import("/clients/js/synckairos.js").Session} session
 * @returns {[string, string]} the name of an icon, or empty, and the words; both are empty while the
 *   session runs and the connection works
 */
export function tileStatus({ state, existence, refusal, problem, connection }) {
  if (existence === "refused") return ["remove", refusalText(refusal)[0]];
  if (existence === "deleted") return ["remove", "Deleted"];
  if (existence === "absent") return ["", "Not created yet"];
  if (!state) return problem ? ["", "No connection, trying again"] : CONNECTING;
  return WORDS[state.status] ?? (connection.status === "connecting" ? CONNECTING : ["", ""]);
}
