import { isTerminal } from "/clients/js/synckairos.js";
import { storeJson, storedJson } from "./storage.js";

/**
 * The sessions that this browser has opened, so that a closed tab loses nothing. With a session it
 * keeps a token for that session only, until the session ends or the token expires; the token of a
 * host, which opens all of its sessions, is never kept (docs/security.md).
 *
 * @typedef {object} RecentSession
 * @property {string} id
 * @property {string} title
 * @property {string} kind the name of its purpose or mode
 * @property {string} status the last known one; "deleted" if it doesn't exist any more
 * @property {number} openedAt ms since 1970
 * @property {string} role of this browser's user; empty if the service asked for no token
 * @property {string} [token]
 * @property {number} [until] when the token expires, ms since 1970
 */
const KEY = "synckairos.recent";
const MOST = 30;
const MAX_TITLE = 100;

/** All of them, the latest first. @returns {RecentSession[]} */
export function recentSessions() {
  return storedJson("localStorage", KEY, []).map(withoutExpiredToken);
}

/**
 * Note that a session was opened, or has changed.
 *
 * @param {import("/clients/js/synckairos.js").SessionState} state
 * @param {{title: string, kind: string, role: string}} facts
 */
export function noteSession(state, { title, kind, role }) {
  const earlier = recent(state.session_id);
  const noted = {
    ...(isTerminal(state) ? withoutToken(earlier) : earlier),
    id: state.session_id,
    title: title.slice(0, MAX_TITLE),
    kind,
    status: state.status,
    role,
    openedAt: Date.now(),
  };
  keep([noted, ...others(state.session_id)]);
}

/**
 * Note what the service says about some sessions, which keep their places.
 *
 * @param {[string, string][]} statuses ids, each with its status
 */
export function noteStatuses(statuses) {
  const known = new Map(statuses);
  change([...known.keys()], (one) => {
    const status = known.get(one.id);
    return { ...endedToken(one, status), status };
  });
}

/** Keep a token for one session. */
export function keepToken(id, token, until) {
  change([id], (one) => ({ ...one, token, until }));
}

/** Drop the tokens of some sessions, which the service doesn't accept any more. */
export function dropTokens(ids) {
  change(ids, withoutToken);
}

/** The kept token of a session, if there is one. @returns {string|undefined} */
export function keptToken(id) {
  return recent(id)?.token;
}

export function forget(id) {
  keep(others(id));
}

export function forgetAll() {
  keep([]);
}

function change(ids, changed) {
  keep(recentSessions().map((one) => (ids.includes(one.id) ? changed(one) : one)));
}

function recent(id) {
  return recentSessions().find((one) => one.id === id);
}

function others(id) {
  return recentSessions().filter((one) => one.id !== id);
}

function keep(sessions) {
  storeJson("localStorage", KEY, sessions.slice(0, MOST));
}

function endedToken(one, status) {
  return status === "deleted" || isTerminal({ status }) ? withoutToken(one) : one;
}

function withoutExpiredToken(one) {
  return one.until <= Date.now() ? withoutToken(one) : one;
}

function withoutToken({ token: _, until: __, ...rest } = {}) {
  return rest;
}
