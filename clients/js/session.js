import * as anchors from "./anchors.js";
import { Following } from "./following.js";
import { sessionPath } from "./ladder.js";

/**
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {import("./api.js").CallOptions} CallOptions
 */

/**
 * One session, followed live: what is known of it, what can be done to it, and events:
 * - `update` `{state, previous, isNext, cause, source}`: a newer state than any before
 * - `expired` `{participantId|groupId, deadlineMs, action}`: once for each flag that falls
 * - `warning` `{participantId|groupId, thresholdMs, remainingMs}`
 * - `deleted`
 * - `connection` `{connection, presence, refusal}` when one of them has changed
 *
 * Actions resolve with what the service answers and reject with its `ApiError`.
 */
export class Session extends EventTarget {
  #api;
  #path;
  #following;
  #onOpen;
  #onClose;

  /**
   * @param {string} id
   * @param {{api: import("./api.js").Api, clock: import("./clock.js").ServerClock,
   *   local: import("./surroundings.js").Surroundings, transport?: string, options?: object,
   *   onOpen?: () => void, onClose?: () => void}} parts
   */
  constructor(id, { onOpen = () => {}, onClose = () => {}, ...parts }) {
    super();
    this.id = id;
    this.clock = parts.clock;
    this.#api = parts.api;
    this.#path = sessionPath(id);
    this.#onOpen = onOpen;
    this.#onClose = onClose;
    const tell = (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail }));
    this.#following = new Following({ id, ...parts, tell });
  }

  /** @returns {?SessionState} the newest; null before the first and after a deletion */
  get state() {
    return this.#following.state;
  }

  /** `unknown`, `absent` (a lobby), `present`, `deleted`, or `refused`. */
  get presence() {
    return this.#following.presence;
  }

  /** @returns {?import("./errors.js").ApiError} why it is `refused` */
  get refusal() {
    return this.#following.refusal;
  }

  /**
   * What is wrong at present: the `ApiError` of the last read, which is repeated by itself after
   * its `retryAfterMs`; null where nothing is.
   *
   * @returns {?import("./errors.js").ApiError}
   */
  get problem() {
    return this.#following.problem;
  }

  /** How news come: `{status, transport, since}`. */
  get connection() {
    return this.#following.connection;
  }

  /**
   * Follow it until `close()`. Rejects with the `ApiError` of a refusal.
   *
   * @returns {Promise<?SessionState>} null: there is no such session yet; it is waited for
   */
  open() {
    this.#onOpen();
    return this.#following.open();
  }

  /** Follow it no more. */
  close() {
    this.#following.close();
    this.#onClose();
  }

  /**
   * Read it now, whatever is known. Rejects with an `ApiError`.
   *
   * @returns {Promise<?SessionState>} null: there is no such session
   */
  refresh() {
    return this.#following.refresh();
  }

  /** What is left on a participant's clock or, without one, on the clock that runs, ms. */
  remaining(participantId, at = this.clock.now()) {
    if (!this.state) return null;
    if (!participantId) return anchors.nearest(this.state, at);
    return anchors.remaining(this.state, participantId, at);
  }

  /** How long a participant's cycles have taken, ms; null: there is no such participant. */
  used(participantId, at = this.clock.now()) {
    const one = this.state?.participants.find((p) => p.participant_id === participantId);
    return one ? anchors.used(this.state, one, at) : null;
  }

  /** How long the session has run, ms; null without a state. */
  elapsed(at = this.clock.now()) {
    return this.state && anchors.elapsed(this.state, at);
  }

  /** @param {CallOptions} [options] */
  start(options) {
    return this.#change("POST", "/start", undefined, options);
  }

  /** @param {CallOptions} [options] */
  pause(options) {
    return this.#change("POST", "/pause", undefined, options);
  }

  /** @param {CallOptions} [options] */
  resume(options) {
    return this.#change("POST", "/resume", undefined, options);
  }

  /** @param {CallOptions} [options] */
  complete(options) {
    return this.#change("POST", "/complete", undefined, options);
  }

  /** @param {CallOptions} [options] */
  cancel(options) {
    return this.#change("POST", "/cancel", undefined, options);
  }

  /** @param {CallOptions} [options] */
  async delete(options) {
    await this.#api.call("DELETE", this.#path, options);
    this.#following.takeIn({ isGone: true });
  }

  /**
   * End the running cycle. `current` says whose it is meant to be, so that a double tap does no
   * harm.
   *
   * @param {{next?: ?string, current?: ?string}} [who]
   * @param {CallOptions} [options]
   */
  switch({ next, current } = {}, options) {
    const body = {
      ...(next && { next_participant_id: next }),
      ...(current && { current_participant_id: current }),
    };
    return this.#change("POST", "/switch", body, options);
  }

  /** @param {CallOptions} [options] */
  addParticipant(body, options) {
    return this.#change("POST", "/participants", body, options);
  }

  /**
   * Let a clock read `totalTimeMs` from now on.
   *
   * @param {CallOptions} [options]
   */
  adjust(participantId, totalTimeMs, reason, options) {
    const body = { total_time_ms: totalTimeMs, ...(reason && { reason }) };
    return this.#change("PATCH", `/participants/${participantId}`, body, options);
  }

  /** A page of the audit trail: events with a version above `after`, oldest first. */
  events(after = 0, limit = 100) {
    return this.#get(`/events?${new URLSearchParams({ after, limit })}`);
  }

  /** The session as it stood at a `version`, or `at` an instant: ISO 8601, or ms since 1970. */
  replay(when) {
    return this.#get(`/replay?${new URLSearchParams(when)}`);
  }

  /** A token for one participant or for a spectator. */
  async mint(body) {
    return (await this.#api.call("POST", `${this.#path}/tokens`, { body })).data;
  }

  /**
   * @internal Begin with a state that was read elsewhere.
   * @returns {this}
   */
  beginWith(state) {
    this.#following.takeIn({ state });
    return this;
  }

  async #change(method, path, body, options) {
    const { data } = await this.#api.call(method, this.#path + path, { ...options, body });
    const isWhole = data.created_at !== undefined;
    this.#following.takeIn(isWhole ? { state: data } : { version: data.version });
    return data;
  }

  async #get(path) {
    return (await this.#api.call("GET", this.#path + path)).data;
  }
}
