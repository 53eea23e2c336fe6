/** Stores for Svelte: a session's state, and the time left on a clock. */

import { readable } from "svelte/store";

import { EVERY_MS, followedSession, repeat, sessionOf } from "./followed-session.js";
import { platform } from "./platform.js";

/**
 * A session's newest snapshot. The session is followed while the store has subscribers.
 *
 * @param {import("./client.js").SyncKairos} client
 * @param {string} id
 */
export function useSession(client, id) {
  const session = client.session(id);
  const { get, subscribe } = followedSession(session);
  const snapshot = inBrowser(get, (set) => {
    const stop = subscribe(() => set(get()));
    set(get());
    return stop;
  });
  return { session, ...snapshot };
}

/**
 * Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if none.
 *
 * @param {import("./session.js").Session|{session: import("./session.js").Session}} subject a
 *   session, or the result of `useSession`
 * @param {?string} [participantId]
 * @param {{everyMs?: number}} [options] how often to compute the time left
 */
export function useRemaining(subject, participantId, { everyMs = EVERY_MS } = {}) {
  const session = sessionOf(subject);
  const read = () => session.remaining(participantId);
  return inBrowser(read, (set) => repeat(session, everyMs, () => set(read())));
}

/** A store that `start` updates; on a server, where components subscribe too, it stays as it is. */
function inBrowser(read, start) {
  return readable(read(), platform.isBrowser() ? start : undefined);
}
