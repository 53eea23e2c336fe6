/** The choice of transport, fallback and reconnection. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ID, Service, refusal, silence, still } from "./service.mjs";

/** A server-sent event stream that a test writes to. */
function stream() {
  let controller;
  const body = new ReadableStream({ start: (given) => (controller = given) });
  const encoder = new TextEncoder();
  return {
    response: () => new Response(body, { headers: { "Content-Type": "text/event-stream" } }),
    write: (text) => controller.enqueue(encoder.encode(text)),
    say(type, fields = {}) {
      this.write(`data: ${JSON.stringify({ type, sessionId: ID, ...fields })}\r\n\r\n`);
    },
    /** Fail the body when the request is aborted, as `fetch` does. */
    endWith: (signal) => signal.addEventListener("abort", () => controller.error(signal.reason)),
  };
}

const SUPABASE = {
  transport: "supabase",
  url: "https://project.supabase.co",
  key: "sb_publishable_x",
  topic: `session:${ID}`,
  token: "listen 1",
};

test("a WebSocket at the service's URL sends the state", async () => {
  const service = new Service();
  service.subscription.token = "listen";
  const { session, events: emitted } = await service.opened();
  assert.deepEqual(service.socket.query, { sessionId: ID, sync: "1", differences: "1", token: "listen" });
  assert.deepEqual(emitted.connections(), [
    "connecting  unknown",
    "live websocket unknown",
    "live websocket present",
  ]);
  assert.equal(session.state.version, 1);
  assert.equal(service.count(), 0, "no read was needed");
});

test("a WebSocket without a listener's token uses the caller's", async () => {
  const service = new Service();
  await service.opened({ token: () => "mine" });
  assert.equal(service.socket.query.token, "mine");
});

test("Supabase's private channel is joined, and the session read on joining", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  service.onJoin = () => {};
  const { session, events: emitted } = await service.opened();
  const { realtime } = service;
  assert.equal(realtime.url, "wss://project.supabase.co/realtime/v1");
  assert.deepEqual(realtime.options.params, { apikey: "sb_publishable_x" });
  assert.deepEqual(realtime.tokens, ["listen 1"]);
  assert.equal(realtime.topic, `session:${ID}`);
  assert.deepEqual(realtime.config, { config: { private: true } });
  assert.equal(service.count(), 0);
  realtime.says("SUBSCRIBED");
  await service.time.pass(0);
  assert.equal(service.count(), 1);
  realtime.push(still(2));
  assert.deepEqual(emitted.versions(), [1, 2]);
  assert.deepEqual(session.connection.transport, "supabase");
});

test("while Supabase joins, the session is read", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  service.onJoin = () => {};
  const { session } = await service.opened();
  await service.time.pass(500);
  assert.equal(session.state.version, 1);
  assert.equal(session.connection.status, "connecting");
});

test("if Supabase can't be joined, the session is polled and the join retried", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  service.onJoin = (client) => client.says("CHANNEL_ERROR", new Error("no"));
  const { session } = await service.opened();
  await service.time.pass(2000);
  assert.equal(service.realtimes.length, 2);
  assert.equal(session.connection.status, "polling");
  service.onJoin = (client) => client.says("SUBSCRIBED");
  await service.time.pass(40_000);
  assert.equal(session.connection.status, "live");
  assert.equal(service.realtimes.length, 3);
});

test("if the Realtime client can't be loaded, the session is polled", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  const realtime = () => Promise.reject(new Error("not installed"));
  const { session } = await service.opened({ realtime });
  await service.time.pass(2000);
  assert.equal(session.connection.status, "polling");
});

test("after two failures each, it falls back from WebSocket to stream to polling", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  const streams = [];
  service.answer = ({ path, headers }) => {
    if (!path.endsWith("/stream")) return undefined;
    streams.push(headers);
    return refusal(503);
  };
  const { session, events: emitted } = await service.opened({ token: "mine" });
  await service.time.pass(3000);
  assert.equal(service.sockets.length, 2);
  assert.equal(streams.length, 2);
  assert.equal(streams[0].Authorization, "Bearer mine");
  assert.equal(session.connection.status, "polling");
  assert.deepEqual(emitted.connections().at(-1), "polling polling present");
});

test("without WebSocket support the stream is used", async () => {
  const service = new Service();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session } = await service.opened({ WebSocket: undefined });
  events.say("CONNECTED");
  await service.time.pass(0);
  assert.equal(session.connection.transport, "sse");
});

test("if the browser rejects the WebSocket's URL, the stream is used", async () => {
  const service = new Service();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  class Forbidden {
    constructor() {
      throw new DOMException("mixed content", "SecurityError");
    }
  }
  const { session } = await service.opened({ WebSocket: Forbidden });
  await service.time.pass(200);
  events.say("CONNECTED");
  await service.time.pass(0);
  assert.equal(session.connection.transport, "sse");
});

test("a WebSocket that sends no CONNECTED is given up after 3 s", async () => {
  const service = new Service();
  service.onSocket = () => {};
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session, events: emitted } = await service.opened();
  await service.time.pass(3000);
  assert.equal(session.connection.status, "connecting");
  assert.equal(session.state.version, 1, "the session is read meanwhile");
  await service.time.pass(200);
  events.say("CONNECTED");
  await service.time.pass(0);
  assert.deepEqual(emitted.connections().at(-1), "live sse present");
  service.state = still(2);
  events.say("STATE_UPDATE", { state: service.state });
  await service.time.pass(0);
  assert.deepEqual(emitted.versions(), [1, 2]);
});

test("the stream is upgraded to a WebSocket without an interruption", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session, events: emitted } = await service.opened();
  await service.time.pass(1000);
  events.say("CONNECTED");
  await service.time.pass(0);
  assert.equal(session.connection.transport, "sse");
  service.onSocket = (socket) => socket.greet();
  await service.time.pass(40_000);
  assert.equal(session.connection.transport, "websocket");
  const statuses = emitted.connections().map((line) => line.split(" ").slice(0, 2).join(" "));
  assert.deepEqual(statuses.slice(-2), ["live sse", "live websocket"]);
});

test("a failing upgrade doesn't interrupt the live transport", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session } = await service.opened();
  await service.time.pass(1000);
  events.say("CONNECTED");
  await service.time.pass(200);
  const before = service.sockets.length;
  for (let beat = 0; beat < 9; beat++) {
    await service.time.pass(10_000);
    events.write(": still here\n\n");
  }
  assert.equal(session.connection.transport, "sse");
  assert.ok(service.sockets.length > before + 1);
});

test("when the network is back, the best transport is tried at once", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  service.answer = ({ path }) => (path.endsWith("/stream") ? refusal(503) : undefined);
  const { session } = await service.opened();
  await service.time.pass(3000);
  assert.equal(session.connection.status, "polling");
  service.onSocket = (socket) => socket.greet();
  await service.time.show(true);
  await service.time.pass(0);
  assert.equal(session.connection.transport, "websocket");
});

test("after an outage the best transport is tried, even if a fallback is live", async () => {
  const service = new Service();
  const events = stream();
  let isAway = true;
  service.onSocket = (socket) => (isAway ? socket.end() : socket.greet());
  service.answer = ({ path }) => {
    if (path.endsWith("/stream")) return events.response();
    return isAway && !path.endsWith("/realtime") ? refusal(503) : undefined;
  };
  const { session } = await service.opened();
  await service.time.pass(1000);
  events.say("CONNECTED");
  await service.time.pass(0);
  assert.equal(session.connection.transport, "sse");
  isAway = false;
  await service.time.pass(6000);
  assert.equal(session.connection.transport, "websocket");
});

test("when reads succeed again, the WebSocket is retried", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  service.answer = ({ path }) => (path.endsWith("/realtime") ? undefined : refusal(503));
  const { session } = await service.opened();
  await service.time.pass(10_000);
  assert.equal(session.connection.status, "connecting");
  service.answer = () => undefined;
  service.onSocket = (socket) => socket.greet();
  await service.time.pass(6000);
  assert.equal(session.connection.transport, "websocket");
});

test("a stream without data for 35 s is replaced", async () => {
  const service = new Service();
  const events = stream();
  let opened = 0;
  service.answer = (request) => {
    if (!request.path.endsWith("/stream")) return undefined;
    events.endWith(request.signal);
    return ++opened === 1 ? events.response() : silence(request);
  };
  const { session } = await service.opened({ transport: "sse" });
  events.say("CONNECTED");
  await service.time.pass(30_000);
  events.write(": still here\n\n");
  await service.time.pass(30_000);
  assert.equal(session.connection.status, "live");
  await service.time.pass(6000);
  assert.equal(opened, 2);
  assert.equal(session.connection.status, "connecting");
});

test("events may be split anywhere and use any line ending", async () => {
  const service = new Service();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { events: emitted } = await service.opened({ transport: "sse" });
  const text = JSON.stringify({ type: "STATE_SYNC", sessionId: ID, state: still(1) });
  const pieces = [
    'data: {"type": "CONNECTED"}\n\nid: 1\r\nda',
    `ta:${text}`,
    "\r",
    "\n\r",
    `\nevent: x\rdata: {"type": "STATE_UPDATE",\rdata: "state": ${JSON.stringify(still(2))}}\r\r`,
    "\n",
  ];
  for (const piece of pieces) {
    events.write(piece);
    await service.time.pass(0);
  }
  assert.deepEqual(emitted.versions(), [1, 2]);
});

test("only polling is used if the service recommends it", async () => {
  const service = new Service();
  service.subscription = { transport: "polling", url: "http://service/" };
  const { session, events: emitted } = await service.opened();
  await service.time.pass(100);
  assert.deepEqual(emitted.connections().at(-1), "polling polling present");
  service.state = still(2);
  await service.time.pass(950);
  assert.deepEqual(emitted.versions(), [1, 2]);
  await service.time.pass(120_000);
  assert.equal(service.sockets.length, 0);
  assert.equal(session.connection.status, "polling");
});

test("the status is connecting while polling fails, and polling when it succeeds", async () => {
  const service = new Service();
  service.subscription = { transport: "polling", url: "http://service/" };
  const { events: emitted } = await service.opened();
  await service.time.pass(1000);
  service.answer = () => refusal(503);
  await service.time.pass(1000);
  service.answer = () => undefined;
  await service.time.pass(5000);
  const statuses = emitted.connections().map((line) => line.split(" ")[0]);
  assert.deepEqual([...new Set(statuses.slice(-3))], ["polling", "connecting"]);
  assert.equal(statuses.at(-1), "polling");
});

for (const [transport, used] of [
  ["websocket", "websocket"],
  ["sse", "sse"],
  ["polling", "polling"],
]) {
  test(`${transport} can be forced, whatever the service recommends`, async () => {
    const service = new Service();
    service.subscription = SUPABASE;
    const events = stream();
    service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
    const { session } = await service.opened({ transport, token: "mine" });
    events.say("CONNECTED");
    await service.time.pass(1000);
    assert.equal(session.connection.transport, used);
    assert.equal(service.realtimes.length, 0);
    if (transport === "websocket") {
      assert.deepEqual(service.socket.url, `ws://service/ws?sessionId=${ID}&sync=1&differences=1&token=mine`);
    }
  });
}

test("an unknown transport throws a TypeError", () => {
  assert.throws(() => new Service().client({ transport: "pigeon" }), TypeError);
});

test("a connection that ends is replaced, whatever its close code", async () => {
  const service = new Service();
  const { session, events: emitted } = await service.opened();
  for (const code of [1001, 1006, 1013, 1000]) {
    await service.time.pass(6000);
    service.socket.end(code);
    assert.equal(session.connection.status, "connecting");
    await service.time.pass(200);
    assert.equal(session.connection.status, "live");
  }
  assert.equal(service.sockets.length, 5);
  assert.deepEqual(emitted.versions(), [1]);
});

test("the delay grows after each short-lived connection", async () => {
  const service = new Service();
  service.onSocket = (socket) => {
    socket.greet();
    queueMicrotask(() => socket.end());
  };
  await service.opened();
  await service.time.pass(60_000);
  assert.ok(service.sockets.length > 10 && service.sockets.length < 25);
  service.onSocket = (socket) => socket.greet();
  await service.time.pass(20_000);
  const { length } = service.sockets;
  service.socket.end();
  await service.time.pass(200);
  assert.equal(service.sockets.length, length + 1, "a long connection resets the delay");
});

test("a new connection brings the changes missed in between", async () => {
  const service = new Service();
  const { events: emitted } = await service.opened();
  service.socket.end();
  service.state = still(5);
  await service.time.pass(400);
  assert.deepEqual(emitted.versions(), [1, 5]);
});

test("a WebSocket that doesn't answer pings is replaced", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.socket.isAlive = false;
  await service.time.pass(6000);
  assert.equal(service.sockets.length, 2);
  assert.ok(service.sockets[0].isClosed);
  assert.equal(session.connection.status, "live");
});

test("a ping finds a lost push", async () => {
  const service = new Service();
  const { events: emitted } = await service.opened();
  service.state = still(2);
  await service.time.pass(700);
  assert.deepEqual(emitted.versions(), [1, 2]);
  assert.equal(service.count(), 0, "without a read over HTTP");
});

test("a lost push of Supabase is found within a second", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  const { events: emitted } = await service.opened();
  await service.time.pass(100);
  service.state = still(2);
  await service.time.pass(700);
  assert.deepEqual(emitted.versions(), [1, 2]);
});

test("closing ends all timers, requests and connections", async () => {
  for (const prepare of [
    () => {},
    (service) => (service.onSocket = () => {}),
    (service) => (service.subscription = SUPABASE),
    (service) => (service.subscription = { transport: "polling" }),
    (service) => (service.answer = silence),
  ]) {
    const service = new Service();
    prepare(service);
    const client = service.client();
    const session = client.session(ID);
    const opening = session.open();
    await service.time.pass(300);
    client.close();
    await opening;
    const requests = service.requests.length;
    await service.time.pass(120_000);
    assert.equal(service.requests.length, requests);
    assert.deepEqual([service.time.timers, service.time.isWatched], [0, false]);
    assert.equal(session.connection.status, "closed");
    assert.ok(service.sockets.every(({ isClosed, readyState }) => isClosed || readyState === 0));
    assert.ok(service.realtimes.every(({ isClosed }) => isClosed));
  }
});
