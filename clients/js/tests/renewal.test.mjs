/** A listener's token is renewed before it expires. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ID, Service, data, refusal } from "./service.mjs";

const MINUTE = 60_000;

/** A service that issues numbered listener's tokens, valid for ten minutes. */
function serviceIssuingTokens(transport, more = {}) {
  const service = new Service();
  let issued = 0;
  const base = {
    websocket: { url: `ws://service/ws?sessionId=${ID}` },
    supabase: { url: "https://p.supabase.co", key: "k", topic: `session:${ID}` },
  }[transport];
  Object.defineProperty(service, "subscription", {
    get: () => ({
      transport,
      ...base,
      token: `listen ${++issued}`,
      expires_at: new Date(service.time.serverMs + 10 * MINUTE).toISOString(),
      ...more,
    }),
  });
  return service;
}

function authentications(socket) {
  return socket.sent.filter(({ type }) => type === "AUTHENTICATE").map(({ token }) => token);
}

test("a WebSocket gets a new token at 80 % of the old one's lifetime", async () => {
  const service = serviceIssuingTokens("websocket");
  await service.opened();
  await service.time.pass(8 * MINUTE - 1000);
  assert.deepEqual(authentications(service.socket), []);
  await service.time.pass(2000);
  assert.deepEqual(authentications(service.socket), ["listen 2"]);
  await service.time.pass(8 * MINUTE);
  assert.deepEqual(authentications(service.socket), ["listen 2", "listen 3"]);
  assert.equal(service.sockets.length, 1);
});

test("a Supabase channel gets a new token at 80 % of the old one's lifetime", async () => {
  const service = serviceIssuingTokens("supabase");
  await service.opened();
  await service.time.pass(8 * MINUTE + 1000);
  assert.deepEqual(service.realtime.tokens, ["listen 1", "listen 2"]);
  assert.equal(service.realtimes.length, 1);
});

test("a renewal gets a new caller's token first", async () => {
  const service = serviceIssuingTokens("websocket");
  let asked = 0;
  await service.opened({ token: () => `mine ${++asked}` });
  await service.time.pass(8 * MINUTE + 1000);
  const shown = service.requests
    .filter(({ path }) => path.endsWith("/realtime"))
    .map(({ headers }) => headers.Authorization);
  assert.deepEqual(shown, ["Bearer mine 1", "Bearer mine 2"]);
});

test("a failed renewal is retried while the old token is valid", async () => {
  const service = serviceIssuingTokens("websocket");
  const { session } = await service.opened();
  await service.time.pass(7 * MINUTE);
  service.answer = ({ path }) => (path.endsWith("/realtime") ? refusal(503) : undefined);
  await service.time.pass(1.5 * MINUTE);
  service.answer = () => undefined;
  await service.time.pass(10_000);
  assert.equal(authentications(service.socket).length, 1);
  assert.equal(session.connection.status, "live");
});

for (const code of [4401, 4403, 4404]) {
  test(`after close code ${code} it subscribes again with a new token`, async () => {
    const service = serviceIssuingTokens("websocket");
    let asked = 0;
    const { session } = await service.opened({ token: () => `mine ${++asked}` });
    service.socket.end(code);
    await service.time.pass(500);
    assert.equal(asked, 2);
    assert.equal(service.socket.query.token, "listen 2");
    assert.equal(session.connection.status, "live");
  });

  test(`after close code ${code} twice it falls back to polling`, async () => {
    const service = serviceIssuingTokens("websocket");
    const { session } = await service.opened();
    service.onSocket = (socket) => socket.end(code);
    service.answer = ({ path }) => (path.endsWith("/stream") ? refusal(code - 4000) : undefined);
    service.socket.end(code);
    await service.time.pass(20_000);
    assert.equal(session.existence, "present");
    assert.deepEqual(session.connection.status, "polling");
    assert.equal(service.sockets.length, 2);
    session.close();
  });
}

test("a channel that Supabase ends is joined again with a new token", async () => {
  const service = serviceIssuingTokens("supabase");
  const { session } = await service.opened();
  service.realtime.says("CHANNEL_ERROR", new Error("Token has expired"));
  assert.equal(session.connection.status, "connecting");
  assert.ok(service.realtimes[0].isClosed);
  await service.time.pass(500);
  assert.deepEqual(service.realtime.tokens, ["listen 2"]);
  assert.equal(session.connection.status, "live");
});

test("a renewal that fails with 401 refuses the session", async () => {
  const service = serviceIssuingTokens("websocket");
  const { session } = await service.opened({ token: "mine" });
  service.answer = () => refusal(401, "UNAUTHENTICATED");
  await service.time.pass(8 * MINUTE + 1000);
  assert.deepEqual([session.existence, session.refusal.code], ["refused", "UNAUTHENTICATED"]);
});

test("a stream is replaced before its token expires", async () => {
  const service = serviceIssuingTokens("websocket");
  service.onSocket = (socket) => socket.end();
  const streams = [];
  service.answer = ({ path, headers, signal }) => {
    if (!path.endsWith("/stream")) return undefined;
    const say = (fields) => `data: ${JSON.stringify({ sessionId: ID, ...fields })}\n\n`;
    const body = new ReadableStream({
      start(controller) {
        const encoder = new TextEncoder();
        controller.enqueue(encoder.encode(say({ type: "CONNECTED" })));
        const beat = () => {
          controller.enqueue(encoder.encode(":\n\n"));
          timer = service.time.local.setTimer(beat, 15_000);
        };
        let timer = service.time.local.setTimer(beat, 15_000);
        signal.addEventListener("abort", () => {
          service.time.local.clearTimer(timer);
          controller.error(signal.reason);
        });
      },
    });
    streams.push({ token: headers.Authorization, signal });
    return new Response(body);
  };
  const { session, events } = await service.opened();
  await service.time.pass(2000);
  assert.equal(session.connection.transport, "sse");
  const before = streams.length;
  const said = events.connections().length;
  await service.time.pass(9 * MINUTE);
  assert.ok(streams.length > before);
  assert.ok(streams.at(-1).token > streams[0].token);
  assert.ok(streams.slice(0, -1).every(({ signal }) => signal.aborted));
  assert.equal(events.connections().length, said, "no connection event");
});

test("a token without expires_at isn't renewed", async () => {
  const service = new Service();
  service.answer = ({ path }) =>
    path.endsWith("/realtime")
      ? data({ transport: "websocket", url: `ws://service/ws?sessionId=${ID}` })
      : undefined;
  await service.opened();
  await service.time.pass(60 * MINUTE);
  assert.equal(service.count("/realtime"), 1);
});
