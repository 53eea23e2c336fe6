"use client";
/** Hooks for React: a session's state, and the time left on a clock. */

import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";

import { EVERY_MS, followedSession, repeat, sessionOf } from "./followed-session.js";

const Context = createContext(null);

/** Gives its client to `useSession(id)` and `useClient()` in the components below it. */
export function SyncKairosProvider({ client, children }) {
  return createElement(Context.Provider, { value: client }, children);
}

/** The client of the nearest `SyncKairosProvider`; throws an `Error` without one. */
export function useClient() {
  const client = useContext(Context);
  if (!client) throw new Error("Put the component below a <SyncKairosProvider client={...}>");
  return client;
}

/**
 * Follow a session while the component is mounted. The component renders on every change.
 *
 * @param {import("./client.js").SyncKairos|string} clientOrId the same client on each render; with
 *   only an id, the client of the `SyncKairosProvider`
 * @param {string} [id]
 */
export function useSession(clientOrId, id) {
  const provided = useContext(Context);
  const [client, sessionId] = id === undefined ? [provided, clientOrId] : [clientOrId, id];
  if (!client) throw new Error("useSession(id) needs a <SyncKairosProvider client={...}>");
  const session = useMemo(() => client.session(sessionId), [client, sessionId]);
  const { subscribe, get } = followedSession(session);
  return useSyncExternalStore(subscribe, get, get);
}

/**
 * Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if none.
 *
 * @param {import("./session.js").Session|{session: import("./session.js").Session}} subject a
 *   session, or the result of `useSession`
 * @param {?string} [participantId]
 * @param {{everyMs?: number}} [options] how often to compute the time left
 * @returns {?number}
 */
export function useRemaining(subject, participantId, { everyMs = EVERY_MS } = {}) {
  const session = sessionOf(subject);
  const [left, setLeft] = useState(() => session.remaining(participantId));
  useEffect(
    () => repeat(session, everyMs, () => setLeft(session.remaining(participantId))),
    [session, participantId, everyMs],
  );
  return left;
}
