import * as clocks from "./session-clocks.js";
import { SessionFollower } from "./session-follower.js";
import { pathSegment, sessionPath } from "./ids.js";
import { lagClaim } from "./lag-claim.js";

/**
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {import("./api.js").CallOptions} CallOptions
 * @typedef {import("./synckairos.js").AheadOptions} AheadOptions
 */

/**
 * One session: its state, clocks, actions and events:
 * - `update` `{state, previous, isNext, cause, source}`: a state newer than all before
 * - `expired` `{participant_id|group_id, deadline_ms, action}`: a clock reached zero; once per expiry
 * - `warning` `{participant_id|group_id, threshold_ms, remaining_ms, before_start}`; `before_start`:
 *   the time is that until the session starts
 * - `period` `{participant_id|group_id, periods_left}`: a period of overtime ended
 * - `presence` (docs/presence.md): who is connected has changed; only after `open({ presence: true })`
 * - `deleted`
 * - `connection` `{connection, existence, refusal, problem}`: connection, existence or the status of
 *   the problem changed
 *
 * Actions resolve with the service's response and reject with its `ApiError`.
 */
export class Session extends EventTarget {
  #api;
  #path;
  #follower;
  #local;
  #onOpen;
  #onClose;

  /**
   * @param {string} id
   * @param {{api: import("./api.js").Api, clock: import("./clock.js").ServerClock,
   *   local: import("./platform.js").Platform, transport?: string, options?: object,
   *   onOpen?: () => void, onClose?: () => void}} parts
   */
  constructor(id, { onOpen = () => {}, onClose = () => {}, ...parts }) {
    super();
    this.id = id;
    this.#api = parts.api;
    this.#path = sessionPath(id);
    this.#local = parts.local;
    this.#onOpen = onOpen;
    this.#onClose = onClose;
    const emit = (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail }));
    this.#follower = new SessionFollower({ id, ...parts, emit });
    /** The session's own clock; `parts.clock` is the server's. */
    this.clock = this.#follower.clock;
  }

  /** @returns {?SessionState} the newest state; null before the first one and after a deletion */
  get state() {
    return this.#follower.state;
  }

  /** `unknown`, `absent` (not created yet), `present`, `deleted`, or `refused`. */
  get existence() {
    return this.#follower.existence;
  }

  /** @returns {?import("./errors.js").ApiError} why the existence is `refused` */
  get refusal() {
    return this.#follower.refusal;
  }

  /**
   * The error of the last read, which is repeated automatically; null if it succeeded.
   *
   * @returns {?import("./errors.js").ApiError}
   */
  get problem() {
    return this.#follower.problem;
  }

  /** How states arrive: `{status, transport, since}`. */
  get connection() {
    return this.#follower.connection;
  }

  /**
   * Follow the session until `close()`. Rejects with the `ApiError` of a refusal, or with that of
   * the last attempt if the service gives no answer for 15 s; in that case following goes on.
   *
   * @param {{presence?: boolean}} [options] `presence`: emit `presence` events, too
   * @returns {Promise<?SessionState>} null if the session doesn't exist yet; following goes on
   */
  open(options) {
    this.#onOpen();
    return this.#follower.open(options);
  }

  /** Stop following. */
  close() {
    this.#follower.close();
    this.#onClose();
  }

  /**
   * Read the session now. Rejects with an `ApiError`.
   *
   * @returns {Promise<?SessionState>} null if the session doesn't exist
   */
  refresh() {
    return this.#follower.refresh();
  }

  /**
   * Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if
   * there is none. Below zero in an overtime that is shown so.
   */
  remaining(participantId, at = this.clock.now()) {
    if (!this.state) return null;
    if (!participantId) return clocks.nearest(this.state, at);
    return clocks.remaining(this.state, participantId, at);
  }

  /** Ms that a participant's cycles have taken; null for an unknown participant. */
  used(participantId, at = this.clock.now()) {
    const one = this.state && clocks.participantOf(this.state, participantId);
    return one && clocks.used(this.state, one, at);
  }

  /** Ms that the session has run; null without a state. */
  elapsed(at = this.clock.now()) {
    return this.state && clocks.elapsed(this.state, at);
  }

  /**
   * Ms by which a participant's clock or, without an id, the running clock is below zero; null if
   * the session has no `overtime`.
   */
  over(participantId, at = this.clock.now()) {
    return this.state && clocks.over(this.state, participantId, at);
  }

  /** Ms by which the programme is behind its plan, below 0 if ahead; null without a programme. */
  offset(at = this.clock.now()) {
    return this.state && clocks.offset(this.state, at);
  }

  /** Ms until a pending session starts by itself; null if it doesn't. */
  startsIn(at = this.clock.now()) {
    return this.state && clocks.startsIn(this.state, at);
  }

  /** Ms until the scheduled command takes effect; null without one. */
  scheduledIn(at = this.clock.now()) {
    return this.state && clocks.scheduledIn(this.state, at);
  }

  /** @param {AheadOptions} [options] */
  start(options) {
    return this.#change("POST", "/start", ahead(options), options);
  }

  /** @param {AheadOptions} [options] */
  pause(options) {
    return this.#change("POST", "/pause", ahead(options), options);
  }

  /** @param {AheadOptions} [options] */
  resume(options) {
    return this.#change("POST", "/resume", ahead(options), options);
  }

  /**
   * End the session. `metadata` replaces the session's in the same change, for example with the result.
   *
   * @param {AheadOptions & {metadata?: object}} [options]
   */
  complete({ metadata, ...options } = {}) {
    const body = metadata ? { metadata, ...ahead(options) } : ahead(options);
    return this.#change("POST", "/complete", body, options);
  }

  /** @param {CallOptions} [options] */
  cancel(options) {
    return this.#change("POST", "/cancel", undefined, options);
  }

  /**
   * Withdraw the command that was given ahead of time.
   *
   * @param {CallOptions} [options]
   */
  unschedule(options) {
    return this.#change("POST", "/unschedule", undefined, options);
  }

  /**
   * Let `ms` pass in a test session, or time until `to` (the session's time, ms); without both, until
   * something happens in it without a command. If more is due on the way than one request makes, it
   * stops there: the state's `advance_left_ms` is the rest of the time.
   *
   * @param {{ms?: number, to?: number}} [how]
   * @param {CallOptions} [options]
   */
  advance({ ms, to } = {}, options) {
    const body = {
      ...(ms !== undefined && { ms }),
      ...(to !== undefined && { to: new Date(to).toISOString() }),
    };
    const isGiven = Object.keys(body).length > 0;
    return this.#change("POST", "/advance", isGiven ? body : { until: "next" }, options);
  }

  /** @param {CallOptions} [options] */
  async delete(options) {
    await this.#change("DELETE", "", undefined, options);
  }

  /**
   * End the running cycle. Fails with `CONFLICT` unless `current`, if given, is active: so a double
   * tap switches only once. With lag compensation, the turn ends at `actedAt` (server time, ms), by
   * default now, as far as the quota allows. `frameLagMs` is the round trip of the player's
   * connection, which limits what each turn adds to the quota; in a browser it is by default the
   * clock's `roundTripMs`. With `representation: true` it resolves with the whole state, which the
   * session has from then on.
   *
   * @param {{next?: ?string, current?: ?string, actedAt?: number, frameLagMs?: number}} [who]
   * @param {import("./api.js").SwitchOptions} [options]
   */
  switch(
    { next, current, actedAt = this.clock.now(), frameLagMs = this.#measuredFrameLag() } = {},
    options,
  ) {
    const body = {
      ...(next && { next_participant_id: next }),
      ...(current && { current_participant_id: current }),
      ...(this.state?.lag && lagClaim(actedAt, frameLagMs, this.clock.errorMs)),
    };
    return this.#change("POST", "/switch", body, options);
  }

  /**
   * Begin an item of the session's programme now, with its full time.
   *
   * @param {string} itemId
   * @param {CallOptions} [options]
   */
  go(itemId, options) {
    return this.#change("POST", "/go", { item_id: itemId }, options);
  }

  /** @param {CallOptions} [options] */
  addParticipant(body, options) {
    return this.#change("POST", "/participants", body, options);
  }

  /**
   * Set a participant's clock to `totalTimeMs`.
   *
   * @param {CallOptions} [options]
   */
  adjust(participantId, totalTimeMs, reason, options) {
    const body = { total_time_ms: totalTimeMs, ...(reason && { reason }) };
    return this.#change("PATCH", participantPath(participantId), body, options);
  }

  /**
   * Add `addMs` to several clocks at one instant, or set them to `setMs`. `to` says which (docs/api.md);
   * without it all. With `reopen`, an expired session runs again. In `individual`, `scaled` multiplies
   * `addMs` by each participant's factor.
   *
   * @param {{
   *   addMs?: number,
   *   setMs?: number,
   *   to?: "all" | "session" | "cycle" | {participants: string[]} | {groups: string[]},
   *   reason?: string,
   *   reopen?: boolean,
   *   scaled?: boolean,
   * }} change
   * @param {AheadOptions} [options]
   */
  adjustClocks({ addMs, setMs, to, reason, reopen, scaled }, options) {
    const body = {
      ...(addMs !== undefined && { add_ms: addMs }),
      ...(setMs !== undefined && { set_ms: setMs }),
      ...(to && { to }),
      ...(reason && { reason }),
      ...(reopen && { reopen }),
      ...(scaled && { scaled }),
      ...ahead(options),
    };
    return this.#change("POST", "/adjust", body, options);
  }

  /**
   * Change settings, such as `{ warn_at_ms: [5000] }`. `null` removes `metadata` and `start_at`.
   *
   * @param {CallOptions} [options]
   */
  update(settings, options) {
    return this.#change("PATCH", "", settings, options);
  }

  /**
   * Change a participant, such as `{ name: "Ada" }` or `{ is_retired: true }`.
   *
   * @param {CallOptions} [options]
   */
  updateParticipant(participantId, body, options) {
    return this.#change("PATCH", participantPath(participantId), body, options);
  }

  /** @param {CallOptions} [options] */
  removeParticipant(participantId, options) {
    return this.#change("DELETE", participantPath(participantId), undefined, options);
  }

  /**
   * Let the flag of a participant, or of its group, fall now. In `individual` the participant is
   * closed without a finish.
   *
   * @param {string} [reason]
   * @param {CallOptions} [options]
   */
  forfeit(participantId, reason, options) {
    return this.#act(participantId, "forfeit", reason, options);
  }

  /**
   * Let participants begin in `individual`, all at one instant: one id, a list of ids, or null for
   * all who may.
   *
   * `metadata` replaces the session's in the same change, for example with the number of a question.
   *
   * @param {?(string | string[])} [who]
   * @param {CallOptions & {metadata?: object}} [options]
   */
  begin(who, { metadata, ...options } = {}) {
    if (typeof who === "string" && !metadata) return this.#act(who, "begin", undefined, options);
    const participants = who ? [who].flat() : undefined;
    const body = metadata || participants ? { participants, metadata } : undefined;
    return this.#change("POST", "/begin", body, options);
  }

  /**
   * Record that a participant has finished in `individual`.
   *
   * @param {CallOptions} [options]
   */
  finish(participantId, options) {
    return this.#act(participantId, "finish", undefined, options);
  }

  /**
   * Undo that a participant finished or was closed in `individual`.
   *
   * @param {string} [reason]
   * @param {CallOptions} [options]
   */
  reopen(participantId, reason, options) {
    return this.#act(participantId, "reopen", reason, options);
  }

  /**
   * Stop the clock of one participant in `individual`.
   *
   * @param {string} [reason]
   * @param {CallOptions} [options]
   */
  pauseParticipant(participantId, reason, options) {
    return this.#act(participantId, "pause", reason, options);
  }

  /**
   * Let the clock of one participant run again in `individual`.
   *
   * @param {string} [reason]
   * @param {CallOptions} [options]
   */
  resumeParticipant(participantId, reason, options) {
    return this.#act(participantId, "resume", reason, options);
  }

  /**
   * Undo the last switch. `mode` says which time comes back: `turn_start`, `before_switch` or
   * `as_if_never` (docs/api.md). With `ifVersion`, only if the session still has that version.
   *
   * @param {"turn_start" | "before_switch" | "as_if_never"} mode
   * @param {{reason?: string, ifVersion?: number}} [details]
   * @param {CallOptions} [options]
   */
  undo(mode, { reason, ifVersion } = {}, options) {
    const body = {
      mode,
      ...(reason && { reason }),
      ...(ifVersion && { if_version: ifVersion }),
    };
    return this.#change("POST", "/undo", body, options);
  }

  /**
   * A page of the audit trail: events with a version above `after`, oldest first; with the order
   * `desc` those below it, newest first; with a `type` only those.
   */
  events(after = null, limit = 100, { type, order } = {}) {
    const query = { ...(after !== null && { after }), limit, ...(type && { type }) };
    return this.#get(`/events?${new URLSearchParams({ ...query, ...(order && { order }) })}`);
  }

  /** Who is connected, and how exact each client's clock is (docs/presence.md). */
  presence() {
    return this.#get("/presence");
  }

  /** The lag that each participant claimed and got back; empty without `lag`. */
  fairness() {
    return this.#get("/fairness");
  }

  /**
   * What would happen if `operations` came: `{events, session}`. An operation is such as
   * `{ after_ms: 5000, operation: "switch" }` (docs/api.md). Nothing is changed.
   */
  async simulate(operations, untilMs) {
    const body = { operations, ...(untilMs !== undefined && { until_ms: untilMs }) };
    return (await this.#api.change("POST", `${this.#path}/simulate`, { body })).data;
  }

  /** The session's state at a `version`, or `at` an instant: ISO 8601, or ms since 1970. */
  replay(when) {
    return this.#get(`/replay?${new URLSearchParams(when)}`);
  }

  /**
   * Create a token for a participant, a spectator or a cohost.
   *
   * @param {import("./synckairos.js").NewToken} body
   * @returns {Promise<import("./synckairos.js").SessionToken>}
   */
  async createToken(body) {
    return (await this.#api.change("POST", `${this.#path}/tokens`, { body })).data;
  }

  /** @deprecated Use `createToken`. */
  mint(body) {
    return this.createToken(body);
  }

  /** Revoke a token by its `token_id`. */
  async revokeToken(tokenId) {
    await this.#api.change("DELETE", `${this.#path}/tokens/${pathSegment(tokenId)}`);
  }

  /** Revoke all tokens for this session that were issued until now. */
  async revokeTokens() {
    await this.#api.change("DELETE", `${this.#path}/tokens`);
  }

  /**
   * Open a code with which people join, in place of the one that the session has.
   *
   * @param {import("./synckairos.js").NewJoinCode} body
   * @returns {Promise<import("./synckairos.js").JoinCode>}
   */
  async openJoinCode(body) {
    return (await this.#api.change("POST", `${this.#path}/join-code`, { body })).data;
  }

  /**
   * The open code, and how often it was used; rejects with a 404 without one.
   *
   * @returns {Promise<import("./synckairos.js").JoinCode>}
   */
  async joinCode() {
    return (await this.#api.get(`${this.#path}/join-code`)).data;
  }

  /** Close the code; the tokens that it gave stay valid. */
  async closeJoinCode() {
    await this.#api.change("DELETE", `${this.#path}/join-code`);
  }

  /**
   * @internal Start with a state from another response.
   * @returns {this}
   */
  beginWith(state) {
    this.#follower.takeIn({ state });
    return this;
  }

  /** The round trip of the clock, ms, in a browser, where it is the player's; else `Infinity`. */
  #measuredFrameLag() {
    return this.#local.isBrowser() ? this.clock.roundTripMs : Infinity;
  }

  #act(participantId, verb, reason, options) {
    const path = `${participantPath(participantId)}/${verb}`;
    return this.#change("POST", path, reason ? { reason } : undefined, options);
  }

  async #change(method, path, body, options) {
    const { data } = await this.#api.change(method, this.#path + path, { ...options, body });
    if (options?.dryRun) return data;
    if (method === "DELETE" && path === "") this.#follower.takeIn({ isGone: true });
    else if (data.created_at === undefined) this.#follower.takeIn({ version: data.version });
    else this.#follower.takeIn({ state: data });
    return data;
  }

  async #get(path) {
    return (await this.#api.get(this.#path + path)).data;
  }
}

/** The body of a command that takes effect at `effectiveAt`; undefined without that. */
function ahead({ effectiveAt } = {}) {
  if (effectiveAt === undefined) return undefined;
  return { effective_at: new Date(effectiveAt).toISOString() };
}

function participantPath(participantId) {
  return `/participants/${pathSegment(participantId)}`;
}
