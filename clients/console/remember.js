import { isTerminal } from "/clients/js/synckairos.js";
import { kindOf } from "./purposes.js";
import { keepToken, keptToken, noteSession, noteStatuses } from "./recent-sessions.js";
import { tokenClaims, tokenOfTab } from "./token.js";

const DAY = 24 * 3_600_000;
const FOR_ONE_SESSION = ["cohost", "participant", "spectator"];

/**
 * Remembers a session that is open in this tab, for the start page, with a token for it. A host's own
 * token is not kept: the service makes one for a cohost of this session instead.
 */
export function remembering(session) {
  let noted = "";
  let hasAsked = false;

  function update(state, { title }) {
    const { role = "" } = tokenClaims();
    const kind = kindOf(state);
    const key = JSON.stringify([title, kind, state.status, role]);
    if (key === noted) return;
    noted = key;
    noteSession(state, { title, kind, role });
    if (!role || isTerminal(state)) return;
    if (FOR_ONE_SESSION.includes(role)) keepOwn(session.id);
    else askOnce();
  }

  function askOnce() {
    if (hasAsked || keptToken(session.id)) return;
    hasAsked = true;
    keepCohosts(session).catch(() => {}); // the service can't make tokens: the list works without
  }

  return { update, deleted: () => noteStatuses([[session.id, "deleted"]]) };
}

function keepOwn(id) {
  const until = Math.min(expiryOf(tokenClaims()), Date.now() + DAY);
  keepToken(id, tokenOfTab(), until);
}

async function keepCohosts(session) {
  const left = expiryOf(tokenClaims()) - Date.now();
  const lifetime = Math.floor(Math.min(DAY, left));
  if (lifetime < 1_000) return;
  const { token, expires_at: until } = await session.createToken({ role: "cohost", lifetime_ms: lifetime });
  keepToken(session.id, token, Date.parse(until));
}

/** In ms since 1970. */
function expiryOf({ exp }) {
  return exp * 1000;
}
