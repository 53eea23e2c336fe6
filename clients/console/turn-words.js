import { isLastStep, nextItem, titleOf } from "./programme.js";
import { suitablePurpose } from "./suitable-purpose.js";

/**
 * The words for a turn and for what ends it, by the purpose of the session (`metadata.purpose`), else
 * by its mode.
 */
const BY_PURPOSE = {
  auction: { turn: "Bid", next: "Bid", end: "bid" },
  meeting: { turn: "Item", next: "Next item", last: "End the meeting", end: "step" },
  quiz: { turn: "Question", next: "Next question", last: "End the quiz", end: "step" },
};
const BY_MODE = {
  count_up: { turn: "Lap", next: "Lap", end: "lap" },
  global: { turn: "Round", next: "Next", last: "End the session", end: "round" },
};
const OTHERS = { turn: "Round", next: "Switch", end: "switch" };

/**
 * @returns {{turn: string, next: string, end: string}} `turn` as in "Round 2"; `next` on the button
 *   that ends it; `end` as in "Undo the last switch"
 */
export function turnWords(state) {
  const words = purposeWords(state) ?? BY_MODE[state.sync_mode] ?? OTHERS;
  return { ...words, next: nextWord(words, state) };
}

/**
 * Whether the session has turns, rounds or steps, one after the other. A single clock for all, as in
 * an exam, has none, unless somebody has made switches all the same.
 */
export function takesTurns(state) {
  if (state.sync_mode !== "global") return state.sync_mode !== "individual";
  const { participants, items, time_per_cycle_ms: cycle, extend_on_switch: bids } = state;
  const hasTurns = participants.length > 0 || items || cycle || bids || purposeWords(state);
  return Boolean(hasTurns) || state.cycle_number > 1;
}

function purposeWords(state) {
  return BY_PURPOSE[suitablePurpose(state)] ?? null;
}

/** In a quiz, a break after a question has its own title, such as "Answer". */
function nextWord({ turn, next, last }, state) {
  if (isLastStep(state)) return last ?? next;
  const item = state.items && nextItem(state);
  return turn === "Question" && item?.kind === "break" ? titleOf(item) : next;
}
