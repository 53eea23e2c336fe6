import { SessionClock, serverTimeOf } from "./session-clock.js";
import { SessionLogic } from "./session-logic.js";
import { sessionPath } from "./ids.js";
import { Connector } from "./connector.js";
import { unreachable } from "./errors.js";
import { CALL_TIMEOUT_MS } from "./timing.js";

/** @typedef {import("./synckairos.js").SessionState} SessionState */

/** Stands for the message of a session that doesn't exist. */
const GONE = { type: "ERROR", code: "SESSION_NOT_FOUND" };

/**
 * Follows one session: passes messages and read results to its `SessionLogic`, carries out the
 * effects, and calls `emit(name, detail)` for each event.
 */
export class SessionFollower {
  isOpen = false;
  #logic;
  #connector;
  #connection;
  #opening = null;
  #openingTimer;
  #isPolling = false;
  #reading = null;
  #problem = null;
  #emittedProblemStatus = null;
  /** Whether the service knew no session when it was asked how to follow it. */
  #isMissing = false;
  #refreshes = [];
  #epoch = 0;
  #timer;
  #stopWaking = () => {};

  /**
   * @param {{id: string, api: import("./api.js").Api, clock: import("./clock.js").ServerClock,
   *   local: import("./platform.js").Platform, transport?: string, options?: object,
   *   emit: (name: string, detail: *) => void}} parts
   */
  constructor({ id, api, clock, local, transport, options, emit }) {
    Object.assign(this, { id, api, local, emit });
    this.clock = new SessionClock(clock, () => this.state);
    this.#logic = new SessionLogic({ random: local.random });
    this.#connection = { status: "closed", transport: null, since: clock.now() };
    const on = this.#listeners();
    this.#connector = new Connector({ id, api, clock, local, transport, options, on });
  }

  get state() {
    return this.#logic.state;
  }

  get existence() {
    return this.#logic.existence;
  }

  get refusal() {
    return this.#logic.refusal;
  }

  get connection() {
    return this.#connection;
  }

  /** The error of the last read, if it is repeated; null once a read succeeds. */
  get problem() {
    return this.#problem;
  }

  /** @returns {Promise<?SessionState>} see `Session.open` */
  open({ presence = false } = {}) {
    if (!this.isOpen) this.#begin(presence);
    else if (presence) this.#connector.watchPresence();
    if (this.#opening.hasFailed) this.#awaitAnswer();
    this.#settleOpening();
    return this.#opening.promise;
  }

  #begin(presence) {
    this.isOpen = true;
    this.#isPolling = this.#isMissing = false;
    this.#reading = this.#problem = null;
    this.#awaitAnswer();
    this.#stopWaking = this.local.onWake(() => this.#wake());
    this.clock.server.start();
    const effects = this.#logic.begin(this.#now(), this.local.isHidden());
    this.#carryOut(effects);
    this.#connector.open({ presence });
  }

  /** Let `open` wait for the service, but not without an end. Following goes on in any case. */
  #awaitAnswer() {
    const opening = deferred();
    this.#opening = opening;
    this.#openingTimer = this.local.setTimer(() => {
      opening.hasFailed = true;
      opening.reject(this.#problem ?? unreachable(this.api.baseUrl, "no answer yet"));
    }, CALL_TIMEOUT_MS);
  }

  #settleOpening() {
    if (this.existence === "unknown" && this.isOpen) return;
    this.local.clearTimer(this.#openingTimer);
    if (this.existence === "refused") this.#opening?.reject(this.refusal);
    else this.#opening?.resolve(this.state);
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#epoch++;
    this.#stopWaking();
    this.#connector.close();
    this.local.clearTimer(this.#timer);
    this.#settleOpening();
    for (const { resolve } of this.#refreshes.splice(0)) resolve(this.state);
    this.#noteConnection();
  }

  /** @returns {Promise<?SessionState>} see `Session.refresh` */
  async refresh() {
    if (!this.isOpen) return this.#conclude(await this.#read(undefined));
    const waiting = deferred();
    this.#refreshes.push(waiting);
    this.#logic.readSoon(this.#now());
    this.#carryOut([]);
    return waiting.promise;
  }

  /** Apply the response to this client's own action: a state, only a version, or a deletion. */
  takeIn({ state, version, isGone }) {
    this.#noteTimeOf(state);
    const now = this.#now();
    if (state) this.#carryOut(this.#logic.actionAnswered(state, now));
    else if (version) this.#carryOut(this.#logic.ownVersionNoted(version, now));
    else if (isGone) this.#carryOut(this.#logic.deleted());
  }

  #listeners() {
    return {
      live: (channel) => {
        this.#isPolling = false;
        this.#problem = null;
        this.#logic.joined(this.#now(), channel);
        this.#carryOut([]);
      },
      left: ({ isSettled }) => {
        this.#isPolling = isSettled;
        this.#logic.left(this.#now(), { soon: isSettled });
        this.#carryOut([]);
      },
      message: (message) => {
        this.#noteTimeOf(message.state);
        this.#carryOut(this.#logic.receive(message, this.#now()));
      },
      absent: () => {
        this.#isMissing = true;
        this.#carryOut(this.#logic.receive(GONE, this.#now()));
      },
      refused: (error) => this.#carryOut(this.#logic.refused(error)),
    };
  }

  #wake() {
    const isHidden = this.local.isHidden();
    this.#logic.visibilityChanged(this.#now(), isHidden);
    if (!isHidden) this.#connector.wake();
    this.#carryOut([]);
  }

  /** Carry out effects, emit what changed, and set the timer for the next `tick`. */
  #carryOut(effects) {
    for (const { emit: name, detail, do: what, known } of effects) {
      if (what === "read") this.#readAndConclude(known);
      else if (what) this.#connector[what]();
      else if (name === "existence") this.#emitConnection();
      else this.emit(name, detail);
    }
    if (this.existence === "refused" && this.isOpen) this.close();
    else this.#settleOpening();
    this.#noteConnection();
    this.#setTimer();
  }

  #setTimer() {
    this.local.clearTimer(this.#timer);
    if (!this.isOpen) return;
    const now = this.#now();
    const delay = this.#logic.due(now) - now.local;
    if (delay === Infinity) return;
    const tick = () => this.#carryOut(this.#logic.tick(this.#now()));
    this.#timer = this.local.setTimer(tick, Math.max(0, delay));
  }

  async #readAndConclude(known) {
    const epoch = this.#epoch;
    const waiting = this.#refreshes.splice(0);
    const answer = await this.#read(known);
    if (epoch !== this.#epoch) return waiting.forEach(({ resolve }) => resolve(this.state));
    this.#problem = isFailure(answer.error) ? answer.error : null;
    this.#noteReadResult(answer);
    this.#conclude(answer).then(
      (state) => waiting.forEach(({ resolve }) => resolve(state)),
      (error) => waiting.forEach(({ reject }) => reject(error)),
    );
    return undefined;
  }

  /**
   * Retry the transports when reads succeed again, as they may have failed for the same reason, and
   * when a missing session exists now, since only reads look for it.
   */
  #noteReadResult({ error }) {
    const was = this.#reading;
    this.#reading = isFailure(error) ? "fails" : "works";
    const isRecovery = was === "fails" && this.#reading === "works";
    const wasAway = this.#isMissing || ["absent", "deleted"].includes(this.existence);
    if (!isRecovery && (error || !wasAway)) return;
    this.#isMissing = false;
    this.#connector.wake();
  }

  async #conclude(answer) {
    const { rateLimitRemaining } = this.api;
    this.#carryOut(this.#logic.readEnded({ ...answer, rateLimitRemaining }, this.#now()));
    if (answer.error && !answer.error.isAbsence) throw answer.error;
    return this.state;
  }

  /** Read the session once; never rejects, but returns the error in the answer. */
  async #read(known) {
    try {
      const { status, data } = await this.api.getOnce(sessionPath(this.id), { ifNoneMatch: known });
      this.#noteTimeOf(data);
      return { status, state: data };
    } catch (error) {
      return { status: error.status ?? 0, state: null, error };
    }
  }

  /** Before its first sample, the clock is estimated from the states that arrive. */
  #noteTimeOf(state) {
    if (state) this.clock.server.noteServerTime(serverTimeOf(state));
  }

  #noteConnection() {
    const status = this.#status();
    const transport = status === "polling" ? status : this.#connector.transport;
    const { status: was, transport: before } = this.#connection;
    if (status === was && transport === before) {
      if ((this.#problem?.status ?? null) !== this.#emittedProblemStatus) this.#emitConnection();
      return;
    }
    this.#connection = { status, transport, since: this.clock.server.now() };
    this.#emitConnection();
  }

  #status() {
    if (!this.isOpen) return "closed";
    if (this.#connector.transport) return "live";
    return this.#isPolling && this.#reading === "works" ? "polling" : "connecting";
  }

  #emitConnection() {
    const { connection, existence, refusal, problem } = this;
    this.#emittedProblemStatus = problem?.status ?? null;
    this.emit("connection", { connection, existence, refusal, problem });
  }

  #now() {
    return { local: this.local.monotonic(), server: this.clock.now() };
  }
}

function isFailure(error) {
  return !!error && !error.isAbsence && !error.isRefusal;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // no unhandled rejection if the promise isn't awaited
  return made;
}
