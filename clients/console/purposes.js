import { auctionPage } from "./auction-page.js";
import { examDisplay, examPage } from "./exam-page.js";
import { meetingPage } from "./meeting-page.js";
import { modeOf } from "./modes.js";
import { quizAnswersDisplay, quizAnswersPage } from "./quiz-answers-page.js";
import { quizPage } from "./quiz-page.js";
import { raceDisplay, racePage } from "./race-page.js";
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
 * @property {string[]} modes the values of `sync_mode` that its pages can show
 * @property {(tools: PageTools) => Page} page
 * @property {(tools: PageTools) => Page} [display] a page without controls, for a projector; it is
 *   shown instead of the page if the address has `view=display`
 */

const RUNS = { modes: ["individual"], isWide: true, page: examPage, display: examDisplay };

/** A page that a display shows under the session's title. */
const titled = (page) => ({ page, display: titledDisplay(page) });

/**
 * Sessions with a page of their own, by what they are for (`metadata.purpose`). All others have the
 * general page.
 *
 * @type {Object<string, Purpose>}
 */
export const PURPOSES = {
  auction: { ...titled(auctionPage), name: "Auction", modes: ["global", "per_cycle"] },
  meeting: { ...titled(meetingPage), name: "Meeting", modes: ["global"] },
  quiz: { ...titled(quizPage), name: "Quiz", modes: ["global"] },
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
export function purposeOf({ metadata, sync_mode: mode }) {
  const wanted = metadata?.purpose;
  const isKnown = typeof wanted === "string" && Object.hasOwn(PURPOSES, wanted);
  const isFit = isKnown && PURPOSES[wanted].modes.includes(mode);
  return isFit ? PURPOSES[wanted] : (DEFAULTS[mode] ?? null);
}

/** The name of a session's purpose, or of its mode if it has none. */
export function kindOf(state) {
  return (purposeOf(state) ?? modeOf(state.sync_mode)).name;
}
