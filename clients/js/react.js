/** Hooks for React: a session's state, and what is left on a clock. */

import { useEffect, useMemo, useState, useSyncExternalStore } from "react";

/** @typedef {import("./session.js").Session} Session */

const EVENTS = ["update", "deleted", "connection"];
const EVERY_MS = 100;

/** One for each session, so that all components show the same. */
const stores = new WeakMap();

/** Follows a session for as long as a component shows it. */
class Store {
  #session;
  #shown = 0;
  #isOurs = false;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
    this.snapshot = snapshotOf(session);
  }

  subscribe = (onChange) => {
    const listener = () => {
      this.snapshot = snapshotOf(this.#session);
      onChange();
    };
    for (const name of EVENTS) this.#session.addEventListener(name, listener);
    this.#show();
    return () => {
      for (const name of EVENTS) this.#session.removeEventListener(name, listener);
      this.#hide();
    };
  };

  get = () => this.snapshot;

  #show() {
    if (this.#shown++ > 0 || this.#session.connection.status !== "closed") return;
    this.#isOurs = true;
    this.#session.open().catch(() => {}); // `refusal` tells
  }

  /** Components that change places leave one another a moment; one who opened it may close it. */
  #hide() {
    this.#shown--;
    setTimeout(() => {
      if (this.#shown || !this.#isOurs) return;
      this.#isOurs = false;
      this.#session.close();
    });
  }
}

/**
 * A session, followed while the component is there. It renders again with every change.
 *
 * @param {import("./client.js").SyncKairos} client the same one each time
 * @param {string} id
 */
export function useSession(client, id) {
  const session = useMemo(() => client.session(id), [client, id]);
  const store = storeOf(session);
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

/**
 * What is left on a participant's clock or, without one, on the clock that runs, ms; null: there is
 * no such clock.
 *
 * @param {Session|{session: Session}} subject a session, or what `useSession` has given
 * @param {?string} [participantId]
 * @param {{everyMs?: number}} [options] how often to look
 * @returns {?number}
 */
export function useRemaining(subject, participantId, { everyMs = EVERY_MS } = {}) {
  const session = subject.session ?? subject;
  const [left, setLeft] = useState(() => session.remaining(participantId));
  useEffect(() => {
    const look = () => setLeft(session.remaining(participantId));
    look();
    const timer = setInterval(look, everyMs);
    for (const name of EVENTS) session.addEventListener(name, look);
    return () => {
      clearInterval(timer);
      for (const name of EVENTS) session.removeEventListener(name, look);
    };
  }, [session, participantId, everyMs]);
  return left;
}

function storeOf(session) {
  if (!stores.has(session)) stores.set(session, new Store(session));
  return stores.get(session);
}

function snapshotOf(session) {
  const { state, presence, refusal, connection } = session;
  return {
    session,
    state,
    presence,
    refusal,
    connection,
    remaining: (participantId, at) => session.remaining(participantId, at),
    used: (participantId, at) => session.used(participantId, at),
    elapsed: (at) => session.elapsed(at),
  };
}
