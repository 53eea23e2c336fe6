import { keptToken } from "./recent-sessions.js";
import { fragmentOf } from "./session-link.js";
import { store, stored } from "./storage.js";

/**
 * The token of this tab's user. It comes in the fragment of the address (`#token=`), which browsers
 * don't send to servers, and is kept until the tab is closed. A tab without a token for the session
 * of its address uses the one that the browser has kept for that session.
 */
const KEY = "synckairos.token";
let known = stored("sessionStorage", KEY);

/** The claims of the token; none without a token, or with one that this page can't read. */
export function tokenClaims() {
  try {
    const [, claims] = known.split(".");
    const text = atob(claims.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

/** Whether this tab's user has a token. A service that needs none doesn't check it. */
export function hasToken() {
  return Boolean(known);
}

/** The token of this tab; null without one. */
export function tokenOfTab() {
  return known;
}

/** Return the token in the address and remove it there; else the one known before. */
export function takeToken() {
  const token = fragmentOf().get("token");
  if (token !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    use(token);
  } else {
    useKept(new URLSearchParams(location.search).get("session")?.toLowerCase());
  }
  return known ?? undefined;
}

function useKept(sessionId) {
  const { session_id: own = sessionId } = tokenClaims();
  const kept = sessionId && (!known || own !== sessionId) && keptToken(sessionId);
  if (kept) use(kept);
}

function use(token) {
  known = token;
  store("sessionStorage", KEY, token);
}
