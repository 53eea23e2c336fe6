import { isTerminal } from "./anchors.js";
import { Confirmation } from "./confirmation.js";
import { Flags } from "./flags.js";
import { instantOf } from "./instants.js";
import { Versions, isNewer, isSameLife } from "./versions.js";

/**
 * @typedef {import("./synckairos.js").SessionState} SessionState
 * @typedef {{local: number, server: number}} Now one instant on the local monotonic clock and by
 *   the server's, ms
 * @typedef {{emit: string, detail?: *}|{do: "read"|"ping"|"sync"|"reconnect", known?: number}} Effect
 *   something to tell, or to do: read the session (with the version that is no news), ask for a
 *   `PONG` or a `STATE_SYNC`, or make a new connection
 */

/** A gap is closed soon, but not by everybody at once. */
const GAP_MS = [50, 150];
/** A switch answers with no whole state; its push should be here by then. */
const ACTED_MS = 250;
/** A transport that brings the state brings it at once: if it doesn't, there may be none. */
const LOBBY_MS = 200;
/** A 304 names the version alone, which a new life of the id may have reached as well. */
const WHOLE_READ_EVERY = 10;

/**
 * What one client knows of one session, and what follows from what it hears. No input or output of
 * its own: methods take what happened and when, and give back what is to be done.
 */
export class Follower {
  /** @type {?SessionState} */
  state = null;
  presence = "unknown";
  refusal = null;
  isHidden = false;
  #versions = new Versions();
  #flags = new Flags();
  #reading = null;
  #reads = 0;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.random = random;
    this.confirmation = new Confirmation({ random });
  }

  /** When to call `tick`, local ms. */
  nextAt(now) {
    return Math.min(this.confirmation.next(this.#subject(now)).at, this.#flags.due);
  }

  /** @returns {Effect[]} */
  tick(now) {
    const effects = this.#tell("expired", this.#flags.giveUp(now.local));
    const { at, what } = this.confirmation.next(this.#subject(now));
    return at <= now.local ? [...effects, ...this.#begin(what, now)] : effects;
  }

  /** Follow from `now` on. @returns {Effect[]} */
  begin(now, isHidden) {
    this.isHidden = isHidden;
    this.#reading = null;
    this.confirmation.abandonRead();
    this.alone(now);
    return this.presence === "refused" ? this.#become("unknown") : [];
  }

  /** Nothing pushes yet, or not any more; `soon`: nor will it. */
  alone(now, { soon = false } = {}) {
    this.confirmation.leave(now.local, { soon });
  }

  /** From now on, pushes come; `brings` tells that the state comes with them. */
  joined(now, { canPing, bringsState }) {
    this.confirmation.join(now.local, { canPing });
    if (!bringsState) this.readSoon(now);
    else if (this.presence === "unknown") this.#catchUp(now, LOBBY_MS);
  }

  /** Read the session, after a read that is under way: that may have missed what one knows. */
  readSoon(now) {
    this.confirmation.readBy(now.local);
  }

  /** The page is seen again: what has come meanwhile may not be all. */
  watched(now, isHidden) {
    this.isHidden = isHidden;
    if (isHidden) return;
    this.readSoon(now);
    this.confirmation.makeSure(now.local);
  }

  /** @returns {Effect[]} */
  heard(message, now) {
    if (message.sessionId && this.state && message.sessionId !== this.state.session_id) return [];
    switch (message.type) {
      case "STATE_UPDATE":
        return message.state ? this.#pushed(message, now) : this.knows(message.version, now);
      case "STATE_SYNC":
        return message.state ? this.#synced(message.state, now) : this.knows(message.version, now);
      case "TIME_EXPIRED":
        return this.#isPast(message.deadline_ms)
          ? []
          : this.#tell("expired", this.#flags.heard(message));
      case "TIME_WARNING":
        return this.#tell("warning", [warningOf(message)]);
      case "SESSION_DELETED":
        return this.#isPast(message.timestamp) ? [] : this.#end();
      case "PONG":
        return this.#ponged(message.version ?? null, now);
      case "ERROR":
        if (message.code === "SESSION_NOT_FOUND") this.readSoon(now);
        return [];
      default:
        return [];
    }
  }

  /** The answer to an action of one's own. */
  acted(state, now) {
    return this.#accept(state, { source: "action", cause: null }, now);
  }

  /** A version is known to exist, without its state. */
  knows(version, now, delay) {
    if (this.#versions.know(version)) this.#catchUp(now, delay ?? this.#gapDelay());
    return [];
  }

  /** One has deleted it oneself. */
  deleted() {
    return this.#end();
  }

  /** `knows`, of what one has done oneself. */
  didSwitch(version, now) {
    return this.knows(version, now, ACTED_MS);
  }

  /**
   * A read was answered.
   *
   * @param {{status: number, state: ?SessionState, error?: import("./errors.js").ApiError,
   *   budget?: number}} answer 304 has no state
   * @param {Now} now
   * @returns {Effect[]}
   */
  answered({ status, state, error, budget }, now) {
    const begun = this.#reading ?? {};
    this.#reading = null;
    const effects = this.#concluded(begun, { status, state, error }, now);
    const failed = !!error && !error.isAbsence && !error.isRefusal;
    const how = { failed, retryAfterMs: error?.retryAfterMs, budget };
    this.confirmation.answered(now.local, how, this.#subject(now));
    if (failed) return effects;
    this.#versions.settle(begun.newest);
    if (this.#versions.isBehind) this.#catchUp(now, 0);
    return effects;
  }

  /** The service won't have this caller, or not any more. */
  refused(error) {
    if (this.presence === "refused") return [];
    this.refusal = error;
    this.state = null;
    return this.#become("refused");
  }

  #concluded(begun, { status, state, error }, now) {
    if (error?.isRefusal) return this.refused(error);
    if (error?.isAbsence) return begun.state === this.state ? this.#end() : [];
    if (status !== 200) return [];
    // What is read after a deletion is there again, whatever its version.
    if (begun.presence === "deleted" && this.presence === "deleted") this.#versions.forget();
    if (this.confirmation.channel && this.#versions.isNews(state) && this.state) {
      this.confirmation.doubt(now.local);
    }
    return this.#accept(state, { source: "read", cause: null }, now);
  }

  #pushed({ state, cause = null }, now) {
    const place = this.#versions.place(state);
    if (place === "ahead" || place === "late") this.confirmation.doubt(now.local);
    if (place === "next") this.confirmation.confirm(now.local);
    const effects = this.#accept(state, { source: "push", cause }, now);
    if (this.#versions.isWhole) this.confirmation.caughtUp();
    if (place === "ahead") this.#catchUp(now, this.#gapDelay());
    return effects;
  }

  #synced(state, now) {
    const isCurrent = this.state && isSameLife(state, this.state);
    if (!isCurrent || state.version >= this.state.version) this.confirmation.confirm(now.local);
    const effects = this.#accept(state, { source: "sync", cause: null }, now);
    if (!this.#versions.isBehind) this.confirmation.caughtUp();
    return effects;
  }

  #ponged(version, now) {
    this.confirmation.ponged();
    const mine = this.state?.version ?? null;
    if (version === null && this.presence === "unknown") this.readSoon(now);
    else if (version === mine) this.confirmation.confirm(now.local);
    else return [{ do: "sync" }];
    return [];
  }

  #accept(state, { source, cause }, now) {
    if (!this.#versions.isNews(state)) return [];
    const previous = this.state;
    const isSame = previous !== null && isSameLife(state, previous);
    this.#versions.accept(state);
    this.state = state;
    const detail = { state, previous, isNext: isSame && follows(state, previous), cause, source };
    const waits = this.confirmation.channel !== null;
    const fallen = isSame ? this.#flags.seen(previous, state, now.local, waits) : [];
    return [
      ...this.#become("present"),
      ...this.#tell("expired", fallen),
      { emit: "update", detail },
    ];
  }

  /** There is no such session: what was there was deleted, and may get a new life. */
  #end() {
    if (this.state === null) return this.presence === "unknown" ? this.#become("absent") : [];
    this.state = null;
    this.#versions.end();
    return [...this.#become("deleted"), ...this.#tell("deleted", [null])];
  }

  #begin(what, now) {
    this.confirmation.begin(what, now.local);
    if (what !== "read") return [{ do: what }];
    const { state, presence } = this;
    this.#reading = { state, presence, newest: this.#versions.newest };
    const isWhole = ++this.#reads % WHOLE_READ_EVERY === 0;
    return [{ do: "read", known: isWhole ? undefined : state?.version }];
  }

  #become(presence) {
    if (presence === this.presence) return [];
    this.presence = presence;
    if (presence !== "refused") this.refusal = null;
    return [{ emit: "presence" }];
  }

  #tell(name, details) {
    return details.map((detail) => ({ emit: name, detail }));
  }

  /** Whether it was before the session that is known now, and so of another one with its id. */
  #isPast(instant) {
    return this.state !== null && instant < Date.parse(this.state.created_at);
  }

  #subject({ local, server }) {
    const { state, presence, isHidden } = this;
    const deadline = state?.status === "running" ? instantOf(state.deadline_at) : null;
    return {
      deadlineAt: deadline === null ? null : local + deadline - server,
      isAbsent: presence === "absent" || presence === "deleted",
      isOver: state !== null && isTerminal(state),
      isHidden,
    };
  }

  #catchUp(now, delay) {
    this.confirmation.catchUpBy(now.local + delay);
  }

  #gapDelay() {
    const [least, most] = GAP_MS;
    return least + this.random() * (most - least);
  }
}

function follows(state, previous) {
  return state.version === previous.version + 1;
}

function warningOf({ participant_id, group_id, threshold_ms, time_remaining_ms }) {
  return {
    ...(participant_id && { participantId: participant_id }),
    ...(group_id && { groupId: group_id }),
    thresholdMs: threshold_ms,
    remainingMs: time_remaining_ms,
  };
}
