/** Hooks for React: a session's state, and the time left on a clock. */

import { useEffect, useMemo, useState, useSyncExternalStore } from "react";

/** @typedef {import("./session.js").Session} Session */

const EVENTS = ["update", "deleted", "connection"];
const EVERY_MS = 100;

/** One store per session, so that all components show the same state. */
const stores = new WeakMap();

/** Follows a session while at least one component uses it. */
class Store {
  #session;
  #mounted = 0;
  #wasOpenedHere = false;

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
    this.#mount();
    return () => {
      for (const name of EVENTS) this.#session.removeEventListener(name, listener);
      this.#unmount();
    };
  };

  get = () => this.snapshot;

  #mount() {
    if (this.#mounted++ > 0 || this.#session.connection.status !== "closed") return;
    this.#wasOpenedHere = true;
    this.#session.open().catch(() => {}); // the snapshot's `refusal` shows it
  }

  /** Close later, as another component may mount at once; and only a session opened here. */
  #unmount() {
    this.#mounted--;
    setTimeout(() => {
      if (this.#mounted || !this.#wasOpenedHere) return;
      this.#wasOpenedHere = false;
      this.#session.close();
    });
  }
}

/**
 * Follow a session while the component is mounted. The component renders on every change.
 *
 * @param {import("./client.js").SyncKairos} client the same object on each render
 * @param {string} id
 */
export function useSession(client, id) {
  const session = useMemo(() => client.session(id), [client, id]);
  const store = storeOf(session);
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

/**
 * Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if none.
 *
 * @param {Session|{session: Session}} subject a session, or the result of `useSession`
 * @param {?string} [participantId]
 * @param {{everyMs?: number}} [options] how often to compute the time left
 * @returns {?number}
 */
export function useRemaining(subject, participantId, { everyMs = EVERY_MS } = {}) {
  const session = subject.session ?? subject;
  const [left, setLeft] = useState(() => session.remaining(participantId));
  useEffect(() => {
    const update = () => setLeft(session.remaining(participantId));
    update();
    const timer = setInterval(update, everyMs);
    for (const name of EVENTS) session.addEventListener(name, update);
    return () => {
      clearInterval(timer);
      for (const name of EVENTS) session.removeEventListener(name, update);
    };
  }, [session, participantId, everyMs]);
  return left;
}

function storeOf(session) {
  if (!stores.has(session)) stores.set(session, new Store(session));
  return stores.get(session);
}

function snapshotOf(session) {
  const { state, existence, refusal, connection } = session;
  return {
    session,
    state,
    existence,
    refusal,
    connection,
    remaining: (participantId, at) => session.remaining(participantId, at),
    used: (participantId, at) => session.used(participantId, at),
    elapsed: (at) => session.elapsed(at),
    startsIn: (at) => session.startsIn(at),
    scheduledIn: (at) => session.scheduledIn(at),
  };
}
