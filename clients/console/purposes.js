import { auctionPage } from "./auction-page.js";
import { examDisplay, examPage } from "./exam-page.js";
import { meetingPage } from "./meeting-page.js";
import { modeOf } from "./modes.js";
import { quizAnswersDisplay, quizAnswersPage } from "./quiz-answers-page.js";
import { quizPage } from "./quiz-page.js";
import { raceDisplay, racePage } from "./race-page.js";
import { namedPurpose, suitablePurpose } from "./suitable-purpose.js";
import { titledDisplay } from "./titled-display.js";

/**
 * @typedef {object} Page what is shown of a session, apart from its title, history and connection
 * @property {HTMLElement} element
 * @property {(update: import("/clients/js/synckairos.js").Update, names: object,
 *   allowed: import("./allowed.js").Allowed) => void} update show a new state
 * @property {(at: number) => number|undefined} draw show the clocks at a server time (ms), and
 *   return the ms until a clock's text changes; it is called again after 100 ms in any case
 *
 * @typedef {object} PageTools
 * @property {import("/clients/js/synckairos.js").Session} session
 * @property {object} act the actions of `actionsOf`
 * @property {(name: string, participantId?: string) => void} ask opens a dialog of `dialogs.js`
 *
 * @typedef {object} Purpose
 * @property {string} name shown beside the session's title
 * @property {boolean} [isWide] whether the page needs the whole width: the history is below it
 * @property {(tools: PageTools) => Page} page
 * @property {(tools: PageTools) => Page} [display] a page without controls, for a projector; it is
 *   shown instead of the page if the address has `view=display`
 */

const RUNS = { isWide: true, page: examPage, display: examDisplay };

/** A page that a display shows under the session's title. */
const titled = (page) => ({ page, display: titledDisplay(page) });

/**
 * Sessions with a page of their own, by what they are for (`metadata.purpose`). All others have the
 * general page.
 *
 * @type {Object<string, Purpose>}
 */
export const PURPOSES = {
  auction: { ...titled(auctionPage), name: "Auction" },
  meeting: { ...titled(meetingPage), name: "Meeting" },
  quiz: { ...titled(quizPage), name: "Quiz" },
  quiz_answers: {
    ...RUNS,
    name: "Quiz",
    page: quizAnswersPage,
    display: quizAnswersDisplay,
  },
  exam: { ...RUNS, name: "Exam" },
  race: { ...RUNS, name: "Race", page: racePage, display: raceDisplay },
};

/** Modes that the general page can't show. */
const DEFAULTS = {
  individual: { ...RUNS, name: "All clocks at once" },
};

/** The purpose of a session with a page of its own; null without one. @returns {?Purpose} */
export function purposeOf(state) {
  return PURPOSES[suitablePurpose(state)] ?? DEFAULTS[state.sync_mode] ?? null;
}

/**
 * The name of a session's purpose, or of its mode if it has none. Of the state, `sync_mode` and
 * `metadata` are enough.
 */
export function kindOf(state) {
  const { sync_mode: mode } = state;
  return (PURPOSES[namedPurpose(state)] ?? DEFAULTS[mode] ?? modeOf(mode)).name;
}
