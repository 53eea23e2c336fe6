/**
 * @typedef {object} Words what a page calls the people of a session and what they do
 * @property {string} person one without a name is called "Candidate 3"
 * @property {string} people
 * @property {string} session
 * @property {string} finish the button that records a finish
 * @property {string} giveUp the button that ends a run without a finish
 * @property {string} unfinish the button that takes a finish back
 * @property {Object<string, string>} states by the `state` of a participant
 */

/** @type {Words} */
const DEFAULT = {
  person: "Person",
  people: "people",
  session: "session",
  finish: "Finish",
  giveUp: "Close without a finish",
  unfinish: "Undo the finish",
  states: {
    overdue: "Overdue",
    running: "Running",
    paused: "Paused",
    not_begun: "Not begun",
    finished: "Finished",
    closed: "Time’s up",
  },
};

/** By the purpose of a session (`metadata.purpose`). */
const WORDS = {
  exam: {
    ...DEFAULT,
    person: "Candidate",
    people: "candidates",
    session: "exam",
    states: { ...DEFAULT.states, running: "Writing" },
  },
  quiz_answers: {
    ...DEFAULT,
    person: "Player",
    people: "players",
    session: "quiz",
    finish: "Answer",
    unfinish: "Undo",
    states: { ...DEFAULT.states, running: "Thinking", finished: "Answered" },
  },
  race: {
    ...DEFAULT,
    person: "Runner",
    people: "runners",
    session: "race",
    giveUp: "Gives up",
    states: { ...DEFAULT.states, not_begun: "Not started", closed: "No finish" },
  },
};

/** The words for a session. @returns {Words} */
export function wordsOf({ metadata }) {
  return wordsFor(metadata?.purpose);
}

/** The words for a purpose; the default ones without a known purpose. @returns {Words} */
export function wordsFor(purpose) {
  return typeof purpose === "string" && Object.hasOwn(WORDS, purpose) ? WORDS[purpose] : DEFAULT;
}
