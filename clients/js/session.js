import { remaining } from "./anchors.js";
import { Polling, untilNextLook } from "./polling.js";
import { LiveSocket, socketUrl } from "./socket.js";

/** @typedef {import("./types.js").SessionState} SessionState */

/**
 * Whether `state` tells more than `known`. Versions only grow, but an id may be used again after
 * a deletion, and then they begin anew.
 *
 * @param {SessionState} state
 * @param {?SessionState} known
 */
export function isNewer(state, known) {
  if (!known) return true;
  if (state.created_at !== known.created_at) return state.created_at > known.created_at;
  return state.version > known.version;
}

function follows(state, previous) {
  return previous?.created_at === state.created_at && state.version === previous.version + 1;
}

function isRefusal({ status }) {
  return status === 401 || status === 403;
}

/**
 * One session, followed live over a WebSocket, or by polling where there is none. Events:
 * - `state` (detail: `{state, previous, isNext}`), never an older one than before; `isNext` tells
 *   that no version lies between the two
 * - `presence` when `presence` changes: `unknown`, `absent` (a lobby), `present`, `deleted`,
 *   `refused` (the token isn't good for it, or not any more: see `refusal`)
 * - `status` when `status` may have changed
 * - `message` with every message of the socket as it came
 */
export class LiveSession extends EventTarget {
  /** @type {?SessionState} */
  state = null;
  presence = "unknown";
  /** @type {?{status: number}} what HTTP would answer: 401, 403, or 404 for another's session */
  refusal = null;
  #isConfirmed = false;
  #polling = new Polling({
    look: () => this.#look(),
    untilNext: () => this.#untilNextLook(),
  });

  /**
   * @param {string} id
   * @param {{api: import("./api.js").Api, clock: import("./clock.js").ServerClock,
   *   socket?: LiveSocket}} options
   */
  constructor(id, { api, clock, socket }) {
    super();
    this.id = id;
    this.api = api;
    this.clock = clock;
    this.socket = socket ?? new LiveSocket({ url: socketUrl(id, { token: api.token }) });
    this.socket.addEventListener("message", ({ detail }) => this.#receive(detail));
    this.socket.addEventListener("status", () => this.#takeTurns());
    this.socket.addEventListener("refused", ({ detail }) => this.#refuse(detail));
    this.#polling.addEventListener("status", () => this.dispatchEvent(new Event("status")));
    this.#polling.addEventListener("recovery", () => this.socket.retry());
  }

  /** How news comes: `live` or `polling`; `connecting`: not yet, or not now; `closed`: no more. */
  get status() {
    if (this.socket.status !== "unavailable") return this.socket.status;
    return this.#polling.isWorking ? "polling" : "connecting";
  }

  start() {
    this.socket.open();
  }

  stop() {
    this.#polling.stop();
    this.socket.close();
  }

  /** What is left on a participant's clock, ms, now or `at` a server time. */
  remaining(participantId, at = this.clock.now()) {
    return this.state && remaining(this.state, participantId, at);
  }

  /**
   * Take in a state, wherever it came from.
   *
   * @param {SessionState} state
   * @returns {boolean} whether it was news
   */
  accept(state) {
    const previous = this.state;
    if (!isNewer(state, previous)) return false;
    this.state = state;
    this.#become("present");
    const detail = { state, previous, isNext: follows(state, previous) };
    this.dispatchEvent(new CustomEvent("state", { detail }));
    return true;
  }

  /** Read the session over HTTP: for when the socket is away, or in doubt. */
  async refresh() {
    if (this.#polling.isOn) return this.#polling.now();
    try {
      this.accept(await this.api.read(this.id));
    } catch (error) {
      if (error.code === "SESSION_NOT_FOUND") this.#forget("absent");
      else if (isRefusal(error)) this.#refuse(error.status);
    }
  }

  #takeTurns() {
    if (this.socket.status === "unavailable") this.#polling.start();
    else this.#polling.stop();
    this.dispatchEvent(new Event("status"));
  }

  #untilNextLook() {
    const isHidden = globalThis.document?.hidden;
    return untilNextLook(this.state, this.clock.now(), { isHidden });
  }

  async #look() {
    const known = this.state;
    try {
      const state = await this.api.look(this.id, known?.version);
      if (state) this.accept(state);
    } catch (error) {
      if (error.code === "SESSION_NOT_FOUND") this.#miss(known);
      else if (isRefusal(error)) this.#refuse(error.status);
      else throw error;
    }
  }

  /** What was there and is no more was deleted; the answer may be older than what came since. */
  #miss(known) {
    if (known) this.#end();
    else if (!this.state) this.#become("absent");
  }

  #receive(message) {
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
    switch (message.type) {
      case "CONNECTED":
        this.#greet();
        break;
      case "STATE_SYNC":
        this.#isConfirmed = true;
        this.accept(message.state);
        break;
      case "STATE_UPDATE":
        this.#isConfirmed = true;
        this.#update(message.state);
        break;
      case "PONG":
        this.#conclude();
        break;
      case "SESSION_DELETED":
        this.#end();
        break;
    }
  }

  /** A gap is a reason to ask for the state as it stands: more may be on its way. */
  #update(state) {
    const previous = this.state;
    const isNews = this.accept(state);
    if (isNews && previous && !follows(state, previous)) this.socket.send({ type: "RECONNECT" });
  }

  /** The server answers in order, so a PONG ahead of any state means that there is none. */
  #greet() {
    this.#isConfirmed = false;
    this.socket.send({ type: "PING" });
  }

  #conclude() {
    if (this.#isConfirmed) return;
    if (this.state) this.refresh();
    else {
      this.#become("absent");
      this.socket.send({ type: "RECONNECT" });
    }
  }

  #end() {
    this.#forget("deleted");
    this.stop();
  }

  #refuse(status) {
    this.refusal = { status };
    this.#forget("refused");
    this.stop();
  }

  #forget(presence) {
    this.state = null;
    this.#become(presence);
  }

  #become(presence) {
    if (presence === this.presence) return;
    this.presence = presence;
    this.dispatchEvent(new Event("presence"));
  }
}
