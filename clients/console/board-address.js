import { isUuid } from "/clients/js/ids.js";
import { fragmentOf } from "./session-link.js";
import { storeJson, storedJson } from "./storage.js";
import { takeToken } from "./token.js";

/**
 * The sessions of a board, in its address: `/board?session=<id>&session=<id>`, with one token for all
 * in the fragment (`#token=`), or with ids and tokens in the fragment:
 * `/board#session=<id>&token=<token>&session=<id>&token=<token>`.
 *
 * @typedef {object} BoardSession
 * @property {string} id
 * @property {string|undefined} token
 */

const KEY = "synckairos.board";
export const MOST_SESSIONS = 40;

/**
 * The sessions of this tab's address. Tokens in it are removed from it and kept until the tab is
 * closed.
 *
 * @returns {BoardSession[]}
 */
export function takeSessions() {
  const given = sessionsIn(fragmentOf());
  if (given.length) {
    keepTokens(given);
    history.replaceState(history.state, "", pathOf(given));
  }
  const usual = takeToken();
  const tokens = keptTokens();
  return sessionsIn(new URLSearchParams(location.search)).map(({ id }) => ({ id, token: tokens[id] ?? usual }));
}

/** The address of a board, with all tokens. @param {BoardSession[]} sessions */
export function boardLink(sessions) {
  const parts = sessions.map(({ id, token }) => `session=${id}${token ? `&token=${token}` : ""}`);
  return `${location.origin}/board#${parts.join("&")}`;
}

/**
 * The sessions in a text of links or ids, one per line, and in more links.
 *
 * @param {string} text
 * @param {string[]} [more]
 * @returns {{sessions: BoardSession[], faults: string[]}} each session once
 */
export function sessionsOfLinks(text, more = []) {
  const sessions = new Map();
  const faults = [];
  [...text.split("\n"), ...more].forEach((line, position) => {
    if (!line.trim()) return;
    const found = sessionsOfLink(line.trim());
    if (typeof found === "string") faults.push(`Line ${position + 1}: ${found}.`);
    else for (const one of found) if (!sessions.has(one.id)) sessions.set(one.id, one);
  });
  return { sessions: [...sessions.values()], faults };
}

/** The sessions in one link; if there is none, the reason as a text. */
function sessionsOfLink(line) {
  if (isUuid(line)) return [{ id: line.toLowerCase() }];
  if (!URL.canParse(line)) return "this is no link";
  const url = new URL(line);
  if (url.origin !== location.origin) return "the link leads to another service";
  const fragment = fragmentOf(url);
  const token = fragment.get("token") ?? undefined;
  const inFragment = sessionsIn(fragment);
  const inQuery = sessionsIn(url.searchParams).map((one) => ({ ...one, token }));
  const found = inFragment.length ? inFragment : inQuery;
  return found.length ? found : "the link leads to no session";
}

/** The sessions in a query or a fragment. A token belongs to the session before it. */
function sessionsIn(values) {
  const sessions = [];
  for (const [name, value] of values) {
    if (name === "session" && isUuid(value)) sessions.push({ id: value.toLowerCase() });
    else if (name === "token" && sessions.length) sessions.at(-1).token = value;
  }
  return sessions;
}

function pathOf(sessions) {
  const query = new URLSearchParams(location.search);
  query.delete("session");
  for (const { id } of sessions) query.append("session", id);
  return `${location.pathname}?${query}`;
}

function keepTokens(sessions) {
  const tokens = Object.fromEntries(sessions.map(({ id, token }) => [id, token]));
  storeJson("sessionStorage", KEY, tokens);
}

function keptTokens() {
  return storedJson("sessionStorage", KEY, {});
}
