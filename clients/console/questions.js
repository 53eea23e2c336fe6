import { currentItem, lastPlayed, positionOf, titleOf } from "./programme.js";
import { turnWords } from "./turn-words.js";

/**
 * @typedef {object} Question the question that runs now; after the end, the last one that ran
 * @property {number} number from 1
 * @property {?number} total how many there are; null if the session doesn't say
 * @property {string} text such as "Question 3 of 10"
 * @property {string} itemTitle of a programme, else empty
 * @property {boolean} isBreak whether a break runs, such as the time for the answer
 */

/**
 * In a programme the questions are the items that aren't breaks. Otherwise `metadata.questions` may
 * say how many there are. Then each cycle is a question; in `individual`, which has one cycle only,
 * `metadata.question` is the number of the question.
 *
 * @returns {Question}
 */
export function questionOf(state) {
  const item = state.items && currentItem(state);
  const { number, total } = state.items ? positionIn(state) : cycleIn(state);
  return {
    number,
    total,
    text: total ? `Question ${number} of ${total}` : `Question ${number}`,
    itemTitle: item ? titleOf(item) : "",
    isBreak: item?.kind === "break",
  };
}

/** The title of the item of a programme that runs now, or ran last; questions have numbers. */
export function itemTitle(state) {
  const item = currentItem(state) ?? lastPlayed(state);
  const isQuestion = turnWords(state).turn === "Question" && item.kind !== "break";
  return isQuestion ? questionOf(state).text : titleOf(item);
}

function positionIn(state) {
  const item = currentItem(state) ?? lastPlayed(state);
  return positionOf(state, (one) => one.kind !== "break", { item, round: state.round ?? 1 });
}

function cycleIn({ cycle_number: cycle, sync_mode: mode, metadata }) {
  const { question, questions } = metadata;
  const total = isCount(questions) ? questions : null;
  const asked = mode === "individual" ? question : cycle;
  const number = isCount(asked) ? asked : 1;
  return { number, total: total && Math.max(total, number) };
}

/** Applications may store anything in the metadata. */
function isCount(value) {
  return Number.isInteger(value) && value > 0;
}
