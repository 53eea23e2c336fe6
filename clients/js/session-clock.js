/** @typedef {import("./synckairos.js").SessionState} SessionState */

/**
 * The time of a session: the server's, or in a test session what that was advanced by more. All
 * instants of a session are on this clock. Nothing else in the library knows that the two may differ.
 */
export class SessionClock {
  #readState;

  /**
   * @param {import("./clock.js").ServerClock} server the server's clock, which measures
   * @param {() => ?SessionState} readState returns the newest state
   */
  constructor(server, readState) {
    this.server = server;
    this.#readState = readState;
  }

  /** The session's time, ms since 1970. */
  now() {
    const state = this.#readState();
    return this.server.now() + (state ? advancedMs(state) : 0);
  }

  /** Upper bound of the error of `now()`; `Infinity` while it is unknown. */
  get errorMs() {
    return this.server.errorMs;
  }

  /** The server's clock minus this machine's wall clock. */
  get offsetMs() {
    return this.server.offsetMs;
  }

  /** The shortest round trip since the estimate last restarted; `Infinity` before the first. */
  get roundTripMs() {
    return this.server.roundTripMs;
  }

  /** Whether `errorMs` is finite. */
  get isSynced() {
    return this.server.isSynced;
  }
}

/**
 * The server's time at which it wrote `state`, ms since 1970.
 *
 * @param {SessionState} state
 */
export function serverTimeOf(state) {
  return state.server_time_ms - advancedMs(state);
}

function advancedMs(state) {
  return state.advanced_ms ?? 0;
}
