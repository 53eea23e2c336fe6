/** The shared part of the bindings for React, Vue and Svelte: a session is followed and read. */

/** @typedef {import("./session.js").Session} Session */

const EVENTS = ["update", "deleted", "connection"];

/** How often the time left is computed by default, ms. */
export const EVERY_MS = 100;

/** One per session, so that all components show the same state. */
const followed = new WeakMap();

/** Follows a session while at least one component uses it. */
class FollowedSession {
  #session;
  #users = 0;
  #wasOpenedHere = false;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
    this.snapshot = snapshotOf(session);
  }

  /** The newest snapshot; the same object until something changes. */
  get = () => this.snapshot;

  /** Follow the session, and call `onChange` after each change. Returns a function that stops it. */
  subscribe = (onChange) => {
    const stopListening = listen(this.#session, () => {
      this.snapshot = snapshotOf(this.#session);
      onChange();
    });
    this.#addUser();
    return () => {
      stopListening();
      this.#removeUser();
    };
  };

  #addUser() {
    if (this.#users++ > 0 || this.#session.connection.status !== "closed") return;
    this.#wasOpenedHere = true;
    this.#session.open().catch(() => {}); // the snapshot's `refusal` shows it
  }

  /** Close later, as another component may mount at once; and only a session opened here. */
  #removeUser() {
    this.#users--;
    setTimeout(() => {
      if (this.#users || !this.#wasOpenedHere) return;
      this.#wasOpenedHere = false;
      this.#session.close();
    });
  }
}

/**
 * @param {Session} session
 * @returns {FollowedSession}
 */
export function followedSession(session) {
  if (!followed.has(session)) followed.set(session, new FollowedSession(session));
  return followed.get(session);
}

/**
 * The session of a session, or of the result of `useSession`.
 *
 * @param {Session|{session: Session}} subject
 * @returns {Session}
 */
export function sessionOf(subject) {
  return subject.session ?? subject;
}

/**
 * Call `update` now, every `everyMs` and after each change. Returns a function that stops it.
 *
 * @param {Session} session
 * @param {number} everyMs
 * @param {() => void} update
 */
export function repeat(session, everyMs, update) {
  update();
  const timer = setInterval(update, everyMs);
  const stopListening = listen(session, update);
  return () => {
    clearInterval(timer);
    stopListening();
  };
}

function listen(session, listener) {
  for (const name of EVENTS) session.addEventListener(name, listener);
  return () => {
    for (const name of EVENTS) session.removeEventListener(name, listener);
  };
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
