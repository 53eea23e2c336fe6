import { spread } from "./backoff.js";
import { dueAt, isTerminal } from "./session-clocks.js";
import { StateCheck } from "./state-check.js";
import { applyDifference } from "./state-difference.js";
import { periodOf, warningOf } from "./event-details.js";
import { ExpiryTracker } from "./expiries.js";
import { GAP_MS, SWITCH_PUSH_WAIT_MS, SYNC_WAIT_MS, WHOLE_READ_EVERY } from "./timing.js";
import { Versions, isNewer, isSameLife } from "./versions.js";

/**
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {{local: number, server: number}} Now one instant on the local monotonic clock and on
 *   the server's, ms
 * @typedef {"read"|"ping"|"resync"|"reconnect"} Request
 * @typedef {{emit: string, detail?: *}|{do: Request, known?: number}} Effect
 *   an event to emit, or an action: read the session (`known`: the version held), ask for a `PONG`
 *   or a `STATE_SYNC`, or reconnect
 */

/**
 * One client's view of one session. Decides without I/O: methods take an input and its instant, and
 * return the effects to carry out.
 */
export class SessionLogic {
  /** @type {?SessionState} */
  state = null;
  existence = "unknown";
  refusal = null;
  isHidden = false;
  #versions = new Versions();
  #expiries = new ExpiryTracker();
  #reading = null;
  #reads = 0;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.random = random;
    this.check = new StateCheck({ random });
  }

  /** When to call `tick` next, local ms. */
  due(now) {
    return Math.min(this.check.next(this.#subject(now)).at, this.#expiries.due);
  }

  /** @returns {Effect[]} */
  tick(now) {
    const effects = this.#emit("expired", this.#expiries.takeOverdue(now.local));
    const { at, what } = this.check.next(this.#subject(now));
    return at <= now.local ? [...effects, ...this.#begin(what, now)] : effects;
  }

  /** Start to follow, or start again after a close. @returns {Effect[]} */
  begin(now, isHidden) {
    this.isHidden = isHidden;
    this.#reading = null;
    this.check.abandonRead();
    this.left(now);
    return this.existence === "refused" ? this.#setExistence("unknown") : [];
  }

  /** No pushes arrive; `soon`: poll at once, as no transport is being tried. */
  left(now, { soon = false } = {}) {
    this.check.leave(now.local, { soon });
  }

  /** From now on, pushes arrive; `bringsState`: the transport sends the state on joining. */
  joined(now, { canPing, bringsState }) {
    this.check.join(now.local, { canPing });
    if (!bringsState) this.readSoon(now);
    else if (this.existence === "unknown") this.#catchUp(now, SYNC_WAIT_MS);
  }

  /** Read the session now, or after the read under way, which may return an older state. */
  readSoon(now) {
    this.check.readBy(now.local);
  }

  /** The page was hidden or shown. A shown page checks its state, as pushes may be lost. */
  visibilityChanged(now, isHidden) {
    this.isHidden = isHidden;
    if (isHidden) return;
    this.readSoon(now);
    this.check.checkNow(now.local);
  }

  /** @returns {Effect[]} */
  receive(message, now) {
    if (message.sessionId && this.state && message.sessionId !== this.state.session_id) return [];
    switch (message.type) {
      case "STATE_UPDATE":
        return this.#pushed(message, now);
      case "STATE_SYNC":
        if (!message.state) return this.versionNoted(message.version, now);
        return this.#synced(message.state, now);
      case "TIME_EXPIRED":
        return this.#isOutdated(message.deadline_ms)
          ? []
          : this.#emit("expired", this.#expiries.messageReceived(message));
      case "TIME_WARNING":
        return this.#emit("warning", [warningOf(message)]);
      case "PERIOD_ENDED":
        return this.#emit("period", [periodOf(message)]);
      case "PRESENCE":
        return this.#emit("presence", [message.presence]);
      case "SESSION_DELETED":
        return this.#isOutdated(message.timestamp) ? [] : this.#deleted();
      case "PONG":
        return this.#ponged(message.version ?? null, now);
      case "ERROR":
        if (message.code === "SESSION_NOT_FOUND") this.readSoon(now);
        return [];
      default:
        return [];
    }
  }

  /** Apply the state in the response to this client's own action. */
  actionAnswered(state, now) {
    return this.#accept(state, { source: "action", cause: null }, now);
  }

  /** A version is known to exist, but its state isn't. */
  versionNoted(version, now, delay) {
    if (this.#versions.know(version)) this.#catchUp(now, delay ?? this.#gapDelay());
    return [];
  }

  /** This client deleted the session. */
  deleted() {
    return this.#deleted();
  }

  /** This client's switch created `version`. */
  ownVersionNoted(version, now) {
    return this.versionNoted(version, now, SWITCH_PUSH_WAIT_MS);
  }

  /**
   * A read ended.
   *
   * @param {{status: number, state: ?SessionState, error?: import("./errors.js").ApiError,
   *   rateLimitRemaining?: number}} answer a 304 has no state
   * @param {Now} now
   * @returns {Effect[]}
   */
  readEnded({ status, state, error, rateLimitRemaining }, now) {
    const atStart = this.#reading ?? {};
    this.#reading = null;
    const effects = this.#concluded(atStart, { status, state, error }, now);
    const failed = !!error && !error.isAbsence && !error.isRefusal;
    const how = { failed, retryAfterMs: error?.retryAfterMs, rateLimitRemaining };
    this.check.readEnded(now.local, how, this.#subject(now));
    if (failed) return effects;
    this.#versions.settle(atStart.newest);
    if (this.#versions.isBehind) this.#catchUp(now, 0);
    return effects;
  }

  /** The service refuses to let this caller follow the session. */
  refused(error) {
    if (this.existence === "refused") return [];
    this.refusal = error;
    this.state = null;
    return this.#setExistence("refused");
  }

  #concluded(atStart, { status, state, error }, now) {
    if (error?.isRefusal) return this.refused(error);
    if (error?.isAbsence) return atStart.state === this.state ? this.#deleted() : [];
    if (status !== 200) return [];
    // A session found by a read that began after the deletion exists again, whatever its version.
    if (atStart.existence === "deleted" && this.existence === "deleted") this.#versions.forget();
    if (this.check.channel && this.#versions.isNews(state) && this.state) {
      this.check.checkOften(now.local);
    }
    return this.#accept(state, { source: "read", cause: null }, now);
  }

  #pushed({ version, difference, cause = null, ...message }, now) {
    const state = message.state ?? (difference && applyDifference(this.state, difference));
    if (!state) {
      // A difference to another state than the held one: pushes are lost, or out of order.
      if (difference && this.state && version > this.state.version) {
        this.check.checkOften(now.local);
      }
      return this.versionNoted(version, now);
    }
    const place = this.#versions.place(state);
    if (place === "ahead" || place === "late") this.check.checkOften(now.local);
    if (place === "next") this.check.confirm(now.local);
    const effects = this.#accept(state, { source: "push", cause }, now);
    if (this.#versions.isWhole) this.check.caughtUp();
    if (place === "ahead") this.#catchUp(now, this.#gapDelay());
    return effects;
  }

  #synced(state, now) {
    const isCurrent = this.state && isSameLife(state, this.state);
    if (!isCurrent || state.version >= this.state.version) this.check.confirm(now.local);
    const effects = this.#accept(state, { source: "sync", cause: null }, now);
    if (!this.#versions.isBehind) this.check.caughtUp();
    return effects;
  }

  #ponged(version, now) {
    this.check.ponged();
    const mine = this.state?.version ?? null;
    if (version === null && this.existence === "unknown") this.readSoon(now);
    else if (version === mine) this.check.confirm(now.local);
    else return [{ do: "resync" }];
    return [];
  }

  #accept(state, { source, cause }, now) {
    if (!this.#versions.isNews(state)) return [];
    const previous = this.state;
    const isSame = previous !== null && isSameLife(state, previous);
    this.#versions.accept(state);
    this.state = state;
    const detail = { state, previous, isNext: isSame && follows(state, previous), cause, source };
    const waits = this.check.channel !== null;
    const expired = isSame ? this.#expiries.stateReceived(previous, state, now.local, waits) : [];
    return [
      ...this.#setExistence("present"),
      ...this.#emit("expired", expired),
      { emit: "update", detail },
    ];
  }

  /** The session doesn't exist any more, or not yet. */
  #deleted() {
    if (this.state === null) return this.existence === "unknown" ? this.#setExistence("absent") : [];
    this.state = null;
    this.#versions.end();
    return [...this.#setExistence("deleted"), ...this.#emit("deleted", [null])];
  }

  #begin(what, now) {
    this.check.begin(what, now.local);
    if (what !== "read") return [{ do: what }];
    const { state, existence } = this;
    this.#reading = { state, existence, newest: this.#versions.newest };
    const isWhole = ++this.#reads % WHOLE_READ_EVERY === 0;
    return [{ do: "read", known: isWhole ? undefined : state?.version }];
  }

  #setExistence(existence) {
    if (existence === this.existence) return [];
    this.existence = existence;
    if (existence !== "refused") this.refusal = null;
    return [{ emit: "existence" }];
  }

  #emit(name, details) {
    return details.map((detail) => ({ emit: name, detail }));
  }

  /** Whether `instant` belongs to an earlier session with the same id. */
  #isOutdated(instant) {
    return this.state !== null && instant < Date.parse(this.state.created_at);
  }

  #subject({ local, server }) {
    const { state, existence, isHidden } = this;
    const deadline = state && dueAt(state);
    return {
      deadlineAt: deadline === null ? null : local + deadline - server,
      isAbsent: existence === "absent" || existence === "deleted",
      isOver: state !== null && isTerminal(state),
      isHidden,
    };
  }

  #catchUp(now, delay) {
    this.check.catchUpBy(now.local + delay);
  }

  #gapDelay() {
    return spread(GAP_MS, this.random);
  }
}

function follows(state, previous) {
  return state.version === previous.version + 1;
}
