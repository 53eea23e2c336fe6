/** Presence: what a client says about its clock, and how it learns who is connected. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { measurementOf } from "../measurement.js";
import { ID, Service, data } from "./service.mjs";

const PRESENCE = { session_id: ID, connections: [], summary: { connected: 2, measured: 0 } };

/** An open session, the presences that it reports, and its service. */
async function followed(options) {
  const service = new Service();
  const session = service.client().session(ID);
  const reported = [];
  session.addEventListener("presence", ({ detail }) => reported.push(detail));
  session.open(options);
  await service.time.pass(0);
  return { service, session, reported };
}

test("a measurement is in whole ms, rounded up, and bounded", () => {
  const measured = { errorMs: 12.1, roundTripMs: 24 };
  assert.deepEqual(measurementOf(measured), { round_trip_ms: 24, error_ms: 13 });
  assert.deepEqual(measurementOf({ errorMs: 9e9, roundTripMs: 0.2 }), {
    round_trip_ms: 1,
    error_ms: 3_600_000,
  });
  assert.deepEqual(measurementOf({ errorMs: Infinity, roundTripMs: Infinity }), {});
});

test("pings say how exact the clock is, once it is measured", async () => {
  const { service, session } = await followed();
  await service.time.pass(20_000);
  const { errorMs, roundTripMs } = session.clock.server;
  assert.ok(Number.isFinite(errorMs));
  const ping = service.socket.sent.findLast(({ type }) => type === "PING");
  assert.equal(ping.round_trip_ms, Math.ceil(roundTripMs));
  assert.ok(ping.error_ms <= Math.ceil(errorMs));
  assert.ok(ping.error_ms >= 0);
});

test("only a client that asks for the presence gets it", async () => {
  const silent = await followed();
  assert.equal(silent.service.socket.query.presence, undefined);
  const { service, reported } = await followed({ presence: true });
  assert.equal(service.socket.query.presence, "1");
  service.socket.say("PRESENCE", { presence: PRESENCE });
  assert.deepEqual(reported, [PRESENCE]);
});

test("a session that is already open can ask for the presence", async () => {
  const { service, session } = await followed();
  await session.open({ presence: true });
  await session.open({ presence: true });
  await service.time.pass(100);
  assert.deepEqual(
    service.sockets.map(({ query, isClosed }) => [query.presence, isClosed]),
    [
      [undefined, true],
      ["1", undefined],
    ],
  );
  assert.equal(session.connection.status, "live");
});

test("a session that is opened again without the presence doesn't ask for it", async () => {
  const { service, session } = await followed({ presence: true });
  session.close();
  session.open();
  await service.time.pass(0);
  assert.deepEqual(
    service.sockets.map(({ query }) => query.presence),
    ["1", undefined],
  );
});

test("a stream says at its start how exact the clock is", async () => {
  const service = new Service();
  const client = service.client({ transport: "sse" });
  await client.clock.sync();
  client.session(ID).open({ presence: true });
  await service.time.pass(0);
  const { url } = service.requests.find(({ path }) => path.endsWith("/stream"));
  const { round_trip_ms, error_ms, ...others } = Object.fromEntries(new URL(url).searchParams);
  assert.deepEqual(others, { sync: "1", differences: "1", presence: "1" });
  assert.equal(Number(round_trip_ms), Math.ceil(client.clock.roundTripMs));
  assert.match(error_ms, /^\d+$/);
});

test("the presence can be read", async () => {
  const { service, session } = await followed();
  service.answer = ({ path }) => (path.endsWith("/presence") ? data(PRESENCE) : undefined);
  assert.deepEqual(await session.presence(), PRESENCE);
});
