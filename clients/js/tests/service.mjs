/** A service made of what a test says, for a client in a world of its own. */

import { SyncKairos } from "../synckairos.js";
import { ID, chess } from "./states.mjs";
import { World, settled } from "./world.mjs";

export class Service {
  world = new World();
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {FakeRealtime[]} */
  realtimes = [];
  /** Requests but for the time: `{method, path, headers, body}`. */
  requests = [];
  /** What there is; null: nothing. */
  state = still(1);
  subscription = { transport: "websocket", url: `ws://service/ws?sessionId=${ID}` };
  /** Answers in place of the usual ones: `(request) => Response|Promise|undefined`. */
  answer = () => undefined;
  /** What a socket does when it is opened. */
  onSocket = (socket) => socket.greet();
  /** What Realtime says to one who joins. */
  onJoin = (client) => client.says("SUBSCRIBED");

  client(options = {}) {
    const service = this;
    return new SyncKairos({
      baseUrl: "http://service",
      fetch: (url, request) => this.#fetch(new URL(url), request),
      WebSocket: class extends FakeSocket {
        constructor(url) {
          super(url, service);
        }
      },
      realtime: async () => ({
        RealtimeClient: class extends FakeRealtime {
          constructor(url, given) {
            super(url, given, service);
          }
        },
      }),
      local: this.world.local,
      ...options,
    });
  }

  /** An open session, with what it told so far. */
  async opened(options) {
    const session = this.client(options).session(ID);
    const told = heardOf(session);
    session.open().catch(() => {});
    await this.world.pass(0);
    return { session, told };
  }

  get socket() {
    return this.sockets.at(-1);
  }

  get realtime() {
    return this.realtimes.at(-1);
  }

  /** How often `path` was asked for; a path of its own is the session's. */
  count(suffix = "") {
    return this.requests.filter(({ path }) => path === `/v1/sessions/${ID}${suffix}`).length;
  }

  async #fetch(url, request) {
    const { method = "GET", headers = {}, body, signal } = request;
    const path = url.pathname;
    if (path !== "/v1/time") {
      this.requests.push({ method, path, headers, body: body && JSON.parse(body), url: url.href });
    }
    const answer =
      (await this.answer({ method, path, headers, signal })) ?? this.#usual(path, headers);
    return answer ?? refusal(404, "SESSION_NOT_FOUND");
  }

  #usual(path, headers) {
    if (path === "/v1/time") return Response.json({ timestamp_ms: this.world.serverMs });
    if (path === `/v1/sessions/${ID}/realtime`) return data(this.subscription);
    if (path !== `/v1/sessions/${ID}` || !this.state) return undefined;
    const isKnown = headers["If-None-Match"] === `"${this.state.version}"`;
    return isKnown ? new Response(null, { status: 304 }) : data(this.state);
  }
}

/** A session in which nothing falls due. */
export function still(version, more = {}) {
  return chess({ version, status: "paused", cycle_started_at: null, deadline_at: null, ...more });
}

export function data(value, init) {
  return Response.json({ data: value }, init);
}

export function refusal(status, code = "X", headers = {}) {
  return Response.json({ error: { code, message: "No" } }, { status, headers });
}

/** Never, but for the one who gives up. */
export function silence({ signal }) {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** What a session tells, as it tells it. */
export function heardOf(session) {
  const told = [];
  for (const name of ["update", "expired", "warning", "deleted", "connection"]) {
    session.addEventListener(name, ({ detail }) => told.push([name, detail]));
  }
  told.connections = () =>
    told
      .filter(([name]) => name === "connection")
      .map(([, { connection, presence }]) =>
        [connection.status, connection.transport, presence].join(" "),
      );
  told.versions = () =>
    told.filter(([name]) => name === "update").map(([, { state }]) => state.version);
  return told;
}

export class FakeSocket {
  readyState = 0;
  sent = [];
  /** Whether it answers a ping. */
  isAlive = true;

  constructor(url, service) {
    this.url = url;
    this.service = service;
    service.sockets.push(this);
    queueMicrotask(() => service.onSocket(this));
  }

  get query() {
    return Object.fromEntries(new URL(this.url).searchParams);
  }

  greet() {
    this.readyState = 1;
    this.onopen?.();
    this.say("CONNECTED");
    if (this.service.state) this.say("STATE_SYNC", { state: this.service.state });
  }

  say(type, fields = {}) {
    this.onmessage?.({ data: JSON.stringify({ type, sessionId: ID, ...fields }) });
  }

  push(state) {
    this.service.state = state;
    this.say("STATE_UPDATE", { state, cause: "cycle_switched" });
  }

  send(text) {
    const message = JSON.parse(text);
    this.sent.push(message);
    if (!this.isAlive) return;
    const version = this.service.state?.version;
    if (message.type === "PING") this.say("PONG", version === undefined ? {} : { version });
    if (message.type === "RECONNECT") this.say("STATE_SYNC", { state: this.service.state });
  }

  /** The server closes it. */
  end(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  close() {
    this.readyState = 3;
    this.isClosed = true;
  }
}

/** As much of a `RealtimeClient` as the library uses. */
export class FakeRealtime {
  tokens = [];

  constructor(url, options, service) {
    Object.assign(this, { url, options, service });
    service.realtimes.push(this);
  }

  async setAuth(token) {
    this.tokens.push(token);
  }

  channel(topic, config) {
    Object.assign(this, { topic, config });
    return {
      on: (kind, filter, callback) => {
        Object.assign(this, { kind, filter, callback });
      },
      subscribe: (callback) => {
        this.says = callback;
        queueMicrotask(() => this.service.onJoin(this));
      },
      teardown: () => {
        this.isTornDown = true;
      },
    };
  }

  push(state) {
    this.service.state = state;
    const payload = { type: "STATE_UPDATE", sessionId: ID, state, cause: "cycle_switched" };
    this.callback({ type: "broadcast", event: "STATE_UPDATE", payload });
  }

  disconnect() {
    this.isClosed = this.isTornDown;
  }
}

export { ID, settled };
