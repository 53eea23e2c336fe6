/**
 * The token of this tab's user. It comes in the fragment of the address, which browsers send to
 * nobody, and is kept for as long as the tab is.
 */
const KEY = "synckairos.token";
let known = stored();

/** The token that the address has brought, or else the one that came before. */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const brought = fragment.get("token");
  if (brought !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    known = brought;
    keep(brought);
  }
  return known ?? undefined;
}

/** Storage may be forbidden; then the token lasts as long as the page. */
function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    /* nothing to keep it in */
  }
}
