import { currentItem, nextItem, titleOf } from "./programme.js";

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
  global: { turn: "Round", next: "Next", end: "round" },
};
const OTHERS = { turn: "Round", next: "Switch", end: "switch" };

/**
 * @returns {{turn: string, next: string, end: string}} `turn` as in "Round 2"; `next` on the button
 *   that ends it; `end` as in "Undo the last switch"
 */
export function turnWords(state) {
  const { sync_mode: mode, metadata } = state;
  const purpose = String(metadata?.purpose);
  if (!Object.hasOwn(BY_PURPOSE, purpose)) return BY_MODE[mode] ?? OTHERS;
  const words = BY_PURPOSE[purpose];
  return { ...words, next: nextWord(words, state) };
}

/** In a quiz, a break after a question has its own title, such as "Answer". */
function nextWord({ turn, next, last }, state) {
  if (!state.items || !currentItem(state)) return next;
  const item = nextItem(state);
  if (!item) return last ?? next;
  return turn === "Question" && item.kind === "break" ? titleOf(item) : next;
}
