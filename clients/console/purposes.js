/**
 * @typedef {object} Page what is shown of a session, apart from its title, history and connection
 * @property {HTMLElement} element
 * @property {(update: import("/clients/js/synckairos.js").Update, names: object,
 *   allowed: import("./allowed.js").Allowed) => void} update show a new state
 * @property {(at: number) => number} draw show the clocks at a server time (ms), and return the ms
 *   until a clock's text changes; it is called again after 100 ms in any case
 *
 * @typedef {object} PageTools
 * @property {import("/clients/js/synckairos.js").Session} session
 * @property {object} act the actions of `actionsOf`
 * @property {(name: string) => void} ask opens a dialog of `dialogs.js`
 *
 * @typedef {object} Purpose
 * @property {string} name shown beside the session's title
 * @property {string[]} modes the values of `sync_mode` that its pages can show
 * @property {(tools: PageTools) => Page} page
 * @property {(tools: PageTools) => Page} [display] a page without controls, for a projector; it is
 *   shown instead of the page if the address has `view=display`
 */

/**
 * Sessions with a page of their own, by what they are for (`metadata.purpose`). All others have the
 * general page.
 *
 * @type {Object<string, Purpose>}
 */
export const PURPOSES = {};

/** The purpose of a session with a page of its own; null without one. @returns {?Purpose} */
export function purposeOf({ metadata, sync_mode: mode }) {
  const wanted = metadata?.purpose;
  if (typeof wanted !== "string" || !Object.hasOwn(PURPOSES, wanted)) return null;
  return PURPOSES[wanted].modes.includes(mode) ? PURPOSES[wanted] : null;
}
