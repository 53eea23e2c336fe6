/** A fake service in virtual time, for tests of the whole client. */

import { SyncKairos } from "../synckairos.js";
import { ID, chess } from "./states.mjs";
import { VirtualTime, settled } from "./virtual-time.mjs";

export class Service {
  time = new VirtualTime();
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {FakeRealtime[]} */
  realtimes = [];
  /** Requests, except for the time: `{method, path, headers, body}`. */
  requests = [];
  /** The session's state; null if there is no session. */
  state = still(1);
  subscription = { transport: "websocket", url: `ws://service/ws?sessionId=${ID}` };
  /** Overrides the default answers: `(request) => Response|Promise|undefined`. */
  answer = () => undefined;
  /** Called when a socket is opened. */
  onSocket = (socket) => socket.greet();
  /** Called when a Realtime channel is joined. */
  onJoin = (client) => client.says("SUBSCRIBED");
  /** Called when a Realtime channel for presence is joined. */
  onPresence = (channel) => channel.says("SUBSCRIBED");

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
      local: this.time.local,
      ...options,
    });
  }

  /** An open session, and the events that it emits. */
  async opened(options) {
    const session = this.client(options).session(ID);
    const events = eventsOf(session);
    session.open().catch(() => {});
    await this.time.pass(0);
    return { session, events };
  }

  get socket() {
    return this.sockets.at(-1);
  }

  get realtime() {
    return this.realtimes.at(-1);
  }

  /** The number of requests to the session's path plus `suffix`. */
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
    if (path === "/v1/time") return Response.json({ timestamp_ms: this.time.serverMs });
    if (path === `/v1/sessions/${ID}/realtime`) return data(this.subscription);
    if (path !== `/v1/sessions/${ID}` || !this.state) return undefined;
    const isKnown = headers["If-None-Match"] === `"${this.state.version}"`;
    return isKnown ? new Response(null, { status: 304 }) : data(this.state);
  }
}

/** A paused session, so that no deadline comes. */
export function still(version, more = {}) {
  return chess({ version, status: "paused", cycle_started_at: null, deadline_at: null, ...more });
}

export function data(value, init) {
  return Response.json({ data: value }, init);
}

/**
 * A service that answers every request with `answer`, its client, and a function that returns the
 * method and path of each request.
 */
export function serviceWith(answer) {
  const service = new Service();
  service.answer = () => data(answer);
  const asked = () =>
    service.requests.map(({ method, url }) => `${method} ${url.replace("http://service", "")}`);
  return { service, client: service.client(), asked };
}

export function refusal(status, code = "X", headers = {}) {
  return Response.json({ error: { code, message: "No" } }, { status, headers });
}

/** An answer that never arrives; rejects when the request is aborted. */
export function silence({ signal }) {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** The events of a session, as a growing list. */
export function eventsOf(session) {
  const events = [];
  for (const name of ["update", "expired", "warning", "period", "deleted", "connection"]) {
    session.addEventListener(name, ({ detail }) => events.push([name, detail]));
  }
  events.connections = () =>
    events
      .filter(([name]) => name === "connection")
      .map(([, { connection, existence }]) =>
        [connection.status, connection.transport, existence].join(" "),
      );
  events.versions = () =>
    events.filter(([name]) => name === "update").map(([, { state }]) => state.version);
  return events;
}

export class FakeSocket {
  readyState = 0;
  sent = [];
  /** Whether the socket answers pings. */
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

  /** Close the socket from the server's side. */
  end(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  close() {
    this.readyState = 3;
    this.isClosed = true;
  }
}

/** The part of `RealtimeClient` that the library uses. */
export class FakeRealtime {
  tokens = [];
  /** The newest channel of each topic for presence. */
  presence = {};

  constructor(url, options, service) {
    Object.assign(this, { url, options, service });
    service.realtimes.push(this);
  }

  async setAuth(token) {
    this.tokens.push(token);
  }

  channel(topic, config) {
    if (topic.startsWith("session-presence:")) {
      const channel = new FakePresenceChannel(this.service, config);
      this.presence[topic] = channel;
      return channel;
    }
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

  async removeChannel(channel) {
    channel.isRemoved = true;
  }

  disconnect() {
    this.isClosed = this.isTornDown;
  }
}

/** The part of a channel with presence that the library uses. */
class FakePresenceChannel {
  /** What this client shows, each time that it says so. */
  tracked = [];
  #state = {};
  #sync;

  constructor(service, config) {
    Object.assign(this, { service, config });
  }

  on(kind, { event }, callback) {
    if (kind === "presence" && event === "sync") this.#sync = callback;
  }

  subscribe(callback) {
    this.says = callback;
    queueMicrotask(() => this.service.onPresence(this));
  }

  async track(payload) {
    this.tracked.push(payload);
    return "ok";
  }

  presenceState() {
    return this.#state;
  }

  /** Others are shown: `{key: [what they say]}`. */
  shows(state) {
    this.#state = state;
    this.#sync?.();
  }

  teardown() {
    this.isTornDown = true;
  }
}

/** Wait until the bindings have closed the sessions that no component uses any more. */
export function nextTurn() {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

export { ID, settled };
