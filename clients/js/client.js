import { Api } from "./api.js";
import { ServerClock } from "./clock.js";
import { Session } from "./session.js";
import { platform } from "./platform.js";
import { serverTimeOf } from "./session-clock.js";
import { eachListed, listQuery } from "./session-list.js";
import { ApiKeys } from "./api-keys.js";
import { Webhooks } from "./webhooks.js";

const TRANSPORTS = ["supabase", "websocket", "sse", "polling"];

/** A client of one service, with its clock and its sessions. */
export class SyncKairos {
  #api;
  #local;
  #transport;
  #options;
  #sessions = new Map();

  /** @param {import("./synckairos.js").Options} [options] */
  constructor({
    baseUrl = "",
    token,
    transport,
    realtime,
    fetch: send,
    WebSocket,
    local = platform,
  } = {}) {
    if (transport !== undefined && !TRANSPORTS.includes(transport)) {
      throw new TypeError(`transport must be one of ${TRANSPORTS.join(", ")}`);
    }
    this.#local = local;
    this.#transport = transport;
    this.#options = { realtime, fetch: send, WebSocket };
    this.#api = new Api({ baseUrl, token, fetch: send, local });
    this.clock = new ServerClock({ read: () => this.#api.time(), ...local });
    this.apiKeys = new ApiKeys(this.#api);
    this.webhooks = new Webhooks(this.#api);
  }

  /** The body of `GET /v1/time`. */
  async time() {
    return (await this.#api.time()).answer;
  }

  /**
   * @param {import("./synckairos.js").NewSession} body
   * @param {import("./api.js").CallOptions} [options] without `dryRun`
   * @returns {Promise<Session>} it has its first state; open it to follow it
   */
  async create(body, options) {
    if (options?.dryRun) throw new TypeError("create() makes a session: use previewCreate()");
    const { data } = await this.#api.change("POST", "/v1/sessions", { ...options, body });
    return this.session(data.session_id).beginWith(data);
  }

  /**
   * The state that `create` would lead to; no session is made.
   *
   * @param {import("./synckairos.js").NewSession} body
   * @returns {Promise<import("./synckairos.js").SessionState>}
   */
  async previewCreate(body) {
    return (await this.#api.change("POST", "/v1/sessions", { body, dryRun: true })).data;
  }

  /** A session, not followed yet; the same object per id until it is closed. */
  session(id) {
    const known = this.#sessions.get(id.toLowerCase());
    return known ?? this.#newSession(id.toLowerCase());
  }

  /**
   * Read up to 50 sessions.
   *
   * @param {string[]} ids
   */
  async batch(ids) {
    const body = { session_ids: ids };
    const { data } = await this.#api.change("POST", "/v1/sessions/batch", { body });
    for (const state of data.sessions) this.clock.noteServerTime(serverTimeOf(state));
    return data;
  }

  /**
   * The caller's sessions, newest first, over all pages (docs/lists.md).
   *
   * @param {import("./synckairos.js").ListFilter} [filter]
   */
  listSessions(filter = {}) {
    return eachListed((page) => this.listPage(page), filter);
  }

  /**
   * One page of the caller's sessions.
   *
   * @param {import("./synckairos.js").ListFilter} [filter]
   * @returns {Promise<import("./synckairos.js").ListPage>}
   */
  async listPage(filter = {}) {
    return (await this.#api.get(`/v1/sessions?${listQuery(filter)}`)).data;
  }

  /**
   * Give one command to up to 50 sessions (docs/scheduling.md). Each entry of the answer has the
   * instant at which the command takes effect, or the error of that session.
   *
   * @param {import("./synckairos.js").BatchCommand} command
   */
  async batchCommands(command) {
    const options = { body: command };
    return (await this.#api.change("POST", "/v1/sessions/batch-commands", options)).data.sessions;
  }

  /**
   * Join a session with a code (docs/join-codes.md), which needs no token. Without a participant or
   * a name, a code for participants answers who is free. Make a client with the token of the answer.
   *
   * @param {string} code
   * @param {{participantId?: string, name?: string}} [who]
   * @returns {Promise<import("./synckairos.js").Join>}
   */
  async join(code, { participantId, name } = {}) {
    const body = { code, participant_id: participantId, name };
    return (await this.#api.change("POST", "/v1/join", { body })).data;
  }

  /**
   * The time controls that a session can ask for by name.
   *
   * @returns {Promise<import("./synckairos.js").NamedTimeControl[]>}
   */
  async timeControls() {
    return (await this.#api.get("/v1/time-controls")).data.time_controls;
  }

  /** Close all sessions and stop the clock. */
  close() {
    for (const session of [...this.#sessions.values()]) session.close();
    this.clock.stop();
  }

  #newSession(id) {
    const session = new Session(id, {
      api: this.#api,
      clock: this.clock,
      local: this.#local,
      transport: this.#transport,
      options: this.#options,
      onOpen: () => this.#sessions.set(id, session),
      onClose: () => this.#sessions.get(id) === session && this.#sessions.delete(id),
    });
    this.#sessions.set(id, session);
    return session;
  }
}
