import { store, stored } from "./storage.js";

/**
 * The token of this tab's user. It comes in the fragment of the address (`#token=`), which browsers
 * don't send to servers, and is kept until the tab is closed.
 */
const KEY = "synckairos.token";
let known = stored("sessionStorage", KEY);

/**
 * Whether the user may do what only hosts and services may; true without a token. The service
 * checks it: this only decides which buttons are shown.
 */
export function mayManage() {
  return !["participant", "spectator"].includes(roleIn(known));
}

function roleIn(token) {
  try {
    const [, claims] = token.split(".");
    return JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))).role;
  } catch {
    return undefined; // no token, or none that this page can read
  }
}

/** Return the token in the address and remove it there; else the one known before. */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    known = token;
    store("sessionStorage", KEY, token);
  }
  return known ?? undefined;
}
