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
export function tileStatus({ state, presence, refusal, problem, connection }) {
  if (presence === "refused") return ["remove", refusalText(refusal)[0]];
  if (presence === "deleted") return ["remove", "Deleted"];
  if (presence === "absent") return ["", "Not created yet"];
  if (!state) return problem ? ["", "No connection, trying again"] : CONNECTING;
  return WORDS[state.status] ?? (connection.status === "connecting" ? CONNECTING : ["", ""]);
}
