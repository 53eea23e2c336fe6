/** Which transport is used, and what happens when it can't be had. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ID, Service, refusal, silence, still } from "./service.mjs";

/** A stream of events that a test writes. */
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
    /** As `fetch` does to a body whose request is aborted. */
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

test("a socket brings the state, by the address that the service names", async () => {
  const service = new Service();
  service.subscription.token = "listen";
  const { session, told } = await service.opened();
  assert.deepEqual(service.socket.query, { sessionId: ID, sync: "1", token: "listen" });
  assert.deepEqual(told.connections(), [
    "connecting  unknown",
    "live websocket unknown",
    "live websocket present",
  ]);
  assert.equal(session.state.version, 1);
  assert.equal(service.count(), 0, "no read was needed");
});

test("without a token of its own for listening a socket shows the caller's", async () => {
  const service = new Service();
  await service.opened({ token: () => "mine" });
  assert.equal(service.socket.query.token, "mine");
});

test("Supabase is joined at its topic, privately, and read at the moment of joining", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  service.onJoin = () => {};
  const { session, told } = await service.opened();
  const { realtime } = service;
  assert.equal(realtime.url, "wss://project.supabase.co/realtime/v1");
  assert.deepEqual(realtime.options.params, { apikey: "sb_publishable_x" });
  assert.deepEqual(realtime.tokens, ["listen 1"]);
  assert.equal(realtime.topic, `session:${ID}`);
  assert.deepEqual(realtime.config, { config: { private: true } });
  assert.equal(service.count(), 0);
  realtime.says("SUBSCRIBED");
  await service.world.pass(0);
  assert.equal(service.count(), 1);
  realtime.push(still(2));
  assert.deepEqual(told.versions(), [1, 2]);
  assert.deepEqual(session.connection.transport, "supabase");
});

test("while Supabase joins, the session is read", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  service.onJoin = () => {};
  const { session } = await service.opened();
  await service.world.pass(500);
  assert.equal(session.state.version, 1);
  assert.equal(session.connection.status, "connecting");
});

test("where Supabase can't be joined there is polling, and another try every 40 s", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  service.onJoin = (client) => client.says("CHANNEL_ERROR", new Error("no"));
  const { session } = await service.opened();
  await service.world.pass(2000);
  assert.equal(service.realtimes.length, 2);
  assert.equal(session.connection.status, "polling");
  service.onJoin = (client) => client.says("SUBSCRIBED");
  await service.world.pass(40_000);
  assert.equal(session.connection.status, "live");
  assert.equal(service.realtimes.length, 3);
});

test("a Realtime client that can't be loaded is as good as none", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  const realtime = () => Promise.reject(new Error("not installed"));
  const { session } = await service.opened({ realtime });
  await service.world.pass(2000);
  assert.equal(session.connection.status, "polling");
});

test("after two failures of the socket there is the stream, then polling", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  const streams = [];
  service.answer = ({ path, headers }) => {
    if (!path.endsWith("/stream")) return undefined;
    streams.push(headers);
    return refusal(503);
  };
  const { session, told } = await service.opened({ token: "mine" });
  await service.world.pass(3000);
  assert.equal(service.sockets.length, 2);
  assert.equal(streams.length, 2);
  assert.equal(streams[0].Authorization, "Bearer mine");
  assert.equal(session.connection.status, "polling");
  assert.deepEqual(told.connections().at(-1), "polling polling present");
});

test("where there are no sockets at all there is the stream", async () => {
  const service = new Service();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session } = await service.opened({ WebSocket: undefined });
  events.say("CONNECTED");
  await service.world.pass(0);
  assert.equal(session.connection.transport, "sse");
});

test("an address that the browser refuses is none", async () => {
  const service = new Service();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  class Forbidden {
    constructor() {
      throw new DOMException("mixed content", "SecurityError");
    }
  }
  const { session } = await service.opened({ WebSocket: Forbidden });
  await service.world.pass(200);
  events.say("CONNECTED");
  await service.world.pass(0);
  assert.equal(session.connection.transport, "sse");
});

test("a socket that doesn't greet is given up after 3 s", async () => {
  const service = new Service();
  service.onSocket = () => {};
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session, told } = await service.opened();
  await service.world.pass(3000);
  assert.equal(session.connection.status, "connecting");
  assert.equal(session.state.version, 1, "it was read meanwhile");
  await service.world.pass(200);
  events.say("CONNECTED");
  await service.world.pass(0);
  assert.deepEqual(told.connections().at(-1), "live sse present");
  service.state = still(2);
  events.say("STATE_UPDATE", { state: service.state });
  await service.world.pass(0);
  assert.deepEqual(told.versions(), [1, 2]);
});

test("from the stream the way leads back to the socket, without a gap in between", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session, told } = await service.opened();
  await service.world.pass(1000);
  events.say("CONNECTED");
  await service.world.pass(0);
  assert.equal(session.connection.transport, "sse");
  service.onSocket = (socket) => socket.greet();
  await service.world.pass(40_000);
  assert.equal(session.connection.transport, "websocket");
  const statuses = told.connections().map((line) => line.split(" ").slice(0, 2).join(" "));
  assert.deepEqual(statuses.slice(-2), ["live sse", "live websocket"]);
});

test("a better transport that still can't be had doesn't disturb the one there is", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { session } = await service.opened();
  await service.world.pass(1000);
  events.say("CONNECTED");
  await service.world.pass(200);
  const before = service.sockets.length;
  for (let beat = 0; beat < 9; beat++) {
    await service.world.pass(10_000);
    events.write(": still here\n\n");
  }
  assert.equal(session.connection.transport, "sse");
  assert.ok(service.sockets.length > before + 1);
});

test("the network's return is a reason to try the better one at once", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  service.answer = ({ path }) => (path.endsWith("/stream") ? refusal(503) : undefined);
  const { session } = await service.opened();
  await service.world.pass(3000);
  assert.equal(session.connection.status, "polling");
  service.onSocket = (socket) => socket.greet();
  await service.world.show(true);
  await service.world.pass(0);
  assert.equal(session.connection.transport, "websocket");
});

test("after an outage the best is tried first, however far it got meanwhile", async () => {
  const service = new Service();
  const events = stream();
  let isAway = true;
  service.onSocket = (socket) => (isAway ? socket.end() : socket.greet());
  service.answer = ({ path }) => {
    if (path.endsWith("/stream")) return events.response();
    return isAway && !path.endsWith("/realtime") ? refusal(503) : undefined;
  };
  const { session } = await service.opened();
  await service.world.pass(1000);
  events.say("CONNECTED");
  await service.world.pass(0);
  assert.equal(session.connection.transport, "sse");
  isAway = false;
  await service.world.pass(6000);
  assert.equal(session.connection.transport, "websocket");
});

test("a service that comes back may have sockets again", async () => {
  const service = new Service();
  service.onSocket = (socket) => socket.end();
  service.answer = ({ path }) => (path.endsWith("/realtime") ? undefined : refusal(503));
  const { session } = await service.opened();
  await service.world.pass(10_000);
  assert.equal(session.connection.status, "connecting");
  service.answer = () => undefined;
  service.onSocket = (socket) => socket.greet();
  await service.world.pass(6000);
  assert.equal(session.connection.transport, "websocket");
});

test("a stream that falls silent is dead", async () => {
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
  await service.world.pass(30_000);
  events.write(": still here\n\n");
  await service.world.pass(30_000);
  assert.equal(session.connection.status, "live");
  await service.world.pass(6000);
  assert.equal(opened, 2);
  assert.equal(session.connection.status, "connecting");
});

test("events may come in pieces, with any end of line", async () => {
  const service = new Service();
  const events = stream();
  service.answer = ({ path }) => (path.endsWith("/stream") ? events.response() : undefined);
  const { told } = await service.opened({ transport: "sse" });
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
    await service.world.pass(0);
  }
  assert.deepEqual(told.versions(), [1, 2]);
});

test("nothing but polling where the service says so", async () => {
  const service = new Service();
  service.subscription = { transport: "polling", url: "http://service/" };
  const { session, told } = await service.opened();
  await service.world.pass(100);
  assert.deepEqual(told.connections().at(-1), "polling polling present");
  service.state = still(2);
  await service.world.pass(950);
  assert.deepEqual(told.versions(), [1, 2]);
  await service.world.pass(120_000);
  assert.equal(service.sockets.length, 0);
  assert.equal(session.connection.status, "polling");
});

test("polling says when even that fails, and when it works again", async () => {
  const service = new Service();
  service.subscription = { transport: "polling", url: "http://service/" };
  const { told } = await service.opened();
  await service.world.pass(1000);
  service.answer = () => refusal(503);
  await service.world.pass(1000);
  service.answer = () => undefined;
  await service.world.pass(5000);
  const statuses = told.connections().map((line) => line.split(" ")[0]);
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
    await service.world.pass(1000);
    assert.equal(session.connection.transport, used);
    assert.equal(service.realtimes.length, 0);
    if (transport === "websocket") {
      assert.deepEqual(service.socket.url, `ws://service/ws?sessionId=${ID}&sync=1&token=mine`);
    }
  });
}

test("an unknown transport is a mistake", () => {
  assert.throws(() => new Service().client({ transport: "pigeon" }), TypeError);
});

test("a connection that ends is made again, sooner or later", async () => {
  const service = new Service();
  const { session, told } = await service.opened();
  for (const code of [1001, 1006, 1013, 1000]) {
    await service.world.pass(6000);
    service.socket.end(code);
    assert.equal(session.connection.status, "connecting");
    await service.world.pass(200);
    assert.equal(session.connection.status, "live");
  }
  assert.equal(service.sockets.length, 5);
  assert.deepEqual(told.versions(), [1]);
});

test("a connection that never lasts is made less and less often", async () => {
  const service = new Service();
  service.onSocket = (socket) => {
    socket.greet();
    queueMicrotask(() => socket.end());
  };
  await service.opened();
  await service.world.pass(60_000);
  assert.ok(service.sockets.length > 10 && service.sockets.length < 25);
  service.onSocket = (socket) => socket.greet();
  await service.world.pass(20_000);
  const { length } = service.sockets;
  service.socket.end();
  await service.world.pass(200);
  assert.equal(service.sockets.length, length + 1, "one that has lasted is forgiven");
});

test("what changed meanwhile is there with the connection", async () => {
  const service = new Service();
  const { told } = await service.opened();
  service.socket.end();
  service.state = still(5);
  await service.world.pass(400);
  assert.deepEqual(told.versions(), [1, 5]);
});

test("a socket that doesn't answer any more is replaced", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.socket.isAlive = false;
  await service.world.pass(6000);
  assert.equal(service.sockets.length, 2);
  assert.ok(service.sockets[0].isClosed);
  assert.equal(session.connection.status, "live");
});

test("a push that got lost is found by the next ping", async () => {
  const service = new Service();
  const { told } = await service.opened();
  service.state = still(2);
  await service.world.pass(700);
  assert.deepEqual(told.versions(), [1, 2]);
  assert.equal(service.count(), 0, "over the socket alone");
});

test("a push through Supabase that got lost is found within a second", async () => {
  const service = new Service();
  service.subscription = SUPABASE;
  const { told } = await service.opened();
  await service.world.pass(100);
  service.state = still(2);
  await service.world.pass(700);
  assert.deepEqual(told.versions(), [1, 2]);
});

test("closing leaves nothing behind", async () => {
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
    await service.world.pass(300);
    client.close();
    await opening;
    const requests = service.requests.length;
    await service.world.pass(120_000);
    assert.equal(service.requests.length, requests);
    assert.deepEqual([service.world.timers, service.world.isWatched], [0, false]);
    assert.equal(session.connection.status, "closed");
    assert.ok(service.sockets.every(({ isClosed, readyState }) => isClosed || readyState === 0));
    assert.ok(service.realtimes.every(({ isClosed }) => isClosed));
  }
});
