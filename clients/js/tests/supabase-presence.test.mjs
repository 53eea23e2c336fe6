/** Presence of a client that follows a session through Supabase Realtime. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ID, Service } from "./service.mjs";

const ROLES = ["service", "host", "cohost", "participant", "spectator"];
const topicOf = (role) => `session-presence:${role}:${ID}`;
const OWN = topicOf("participant");

const SUBSCRIPTION = {
  transport: "supabase",
  url: "https://project.supabase.co",
  key: "sb_publishable_x",
  topic: `session:${ID}`,
  token: "listen",
  presence: { topic: OWN, participant_id: "ada" },
};
const READING = {
  ...SUBSCRIPTION,
  presence: {
    ...SUBSCRIPTION.presence,
    topics: Object.fromEntries(ROLES.map((role) => [role, topicOf(role)])),
  },
};

/** An open session, the presences that it reports, and its service. */
async function followed(subscription, options, prepare = () => {}) {
  const service = new Service();
  service.subscription = subscription;
  prepare(service);
  const session = service.client().session(ID);
  const reported = [];
  session.addEventListener("presence", ({ detail }) => reported.push(detail));
  session.open(options);
  await service.time.pass(0);
  return { service, session, reported, presence: service.realtime.presence };
}

test("a client is shown on the channel of its role, and reads nothing", async () => {
  const { service, presence, reported } = await followed(SUBSCRIPTION);
  assert.deepEqual(Object.keys(presence), [OWN]);
  assert.deepEqual(presence[OWN].config, {
    config: { private: true, presence: { key: "", enabled: true } },
  });
  const [shown] = presence[OWN].tracked;
  assert.equal(shown.participant_id, "ada");
  assert.equal(typeof shown.connected_at, "string");
  presence[OWN].shows({ a: [{}] });
  await service.time.pass(5000);
  assert.deepEqual(reported, []);
});

test("what it shows changes only when the clock's error passes a bound", async () => {
  const { service, presence } = await followed(SUBSCRIPTION);
  await service.time.pass(3000);
  const { tracked } = presence[OWN];
  const before = tracked.length;
  assert.ok(tracked.at(-1).error_ms >= 0);
  await service.time.pass(30_000);
  assert.ok(tracked.length <= before + 2, "it says so at most every 15 s");
  const classes = tracked.map(({ error_ms: ms }) => [10, 20, 40, 100, 250, 1000].filter((b) => ms > b).length);
  for (let i = 1; i < tracked.length; i++) {
    const isFirst = tracked[i - 1].error_ms === undefined;
    assert.ok(isFirst || classes[i] !== classes[i - 1]);
  }
});

test("only a client that asks for the presence asks the service for the right to read it", async () => {
  const asked = ({ service }) =>
    service.requests.filter(({ path }) => path.endsWith("/realtime")).map(({ url }) => new URL(url).search);
  assert.deepEqual(asked(await followed(SUBSCRIPTION)), [""]);
  assert.deepEqual(asked(await followed(READING, { presence: true })), ["?presence=1"]);
});

test("a reader gets the presence of all roles, at most once a second", async () => {
  const { service, presence, reported } = await followed(READING, { presence: true });
  assert.deepEqual(Object.keys(presence).sort(), ROLES.map(topicOf).sort());
  presence[topicOf("host")].shows({ h: [{ error_ms: 5, round_trip_ms: 9 }] });
  presence[topicOf("spectator")].shows({ s: [{ error_ms: 60 }], t: [{}] });
  await service.time.pass(200);
  assert.equal(reported.length, 1);
  const { connections, summary, transports } = reported[0];
  assert.deepEqual(transports, ["supabase"]);
  assert.deepEqual(
    connections.map(({ connection_id: id, role }) => [id, role]),
    [
      ["h", "host"],
      ["s", "spectator"],
      ["t", "spectator"],
    ],
  );
  assert.deepEqual([summary.connected, summary.measured, summary.within_ms[40]], [3, 2, 1]);

  for (let i = 0; i < 30; i++) {
    presence[OWN].shows({ [`p${i}`]: [{ participant_id: "ada" }] });
    await service.time.pass(100);
  }
  await service.time.pass(1000);
  assert.ok(reported.length <= 5, `${reported.length} reports in 4 s`);
  assert.equal(reported.at(-1).connections[1].connection_id, "p29");
});

test("pushes go on while Supabase refuses the presence, which is tried again later", async () => {
  const { service, session, presence } = await followed(SUBSCRIPTION, {}, (service) => {
    service.onPresence = (channel) => channel.says("CHANNEL_ERROR", new Error("no"));
  });
  const refused = presence[OWN];
  assert.equal(session.connection.status, "live");
  assert.ok(refused.isRemoved);
  assert.deepEqual(refused.tracked, []);
  service.onPresence = (channel) => channel.says("SUBSCRIBED");
  await service.time.pass(59_000);
  assert.equal(presence[OWN], refused);
  await service.time.pass(32_000);
  assert.notEqual(presence[OWN], refused);
  assert.equal(presence[OWN].tracked.length, 1);
  assert.equal(service.realtimes.length, 1);
});

test("if a channel ends, its clients are no longer reported", async () => {
  const { service, presence, reported } = await followed(READING, { presence: true });
  presence[topicOf("spectator")].shows({ s: [{}] });
  await service.time.pass(1000);
  presence[topicOf("spectator")].says("CLOSED");
  await service.time.pass(1000);
  assert.deepEqual(
    reported.map(({ summary }) => summary.connected),
    [1, 0],
  );
});

test("a session that is closed leaves all channels and reports nothing more", async () => {
  const { service, session, presence, reported } = await followed(READING, { presence: true });
  presence[OWN].shows({ a: [{}] });
  session.close();
  presence[OWN].says("CLOSED");
  await service.time.pass(120_000);
  assert.deepEqual(reported, []);
  assert.ok(Object.values(presence).every(({ isTornDown }) => isTornDown));
  assert.ok(Object.values(presence).every(({ isRemoved }) => !isRemoved));
});

test("without presence at Supabase, only the session's channel is joined", async () => {
  const { presence: _, ...plain } = SUBSCRIPTION;
  const { service, presence } = await followed(plain, { presence: true });
  await service.time.pass(5000);
  assert.deepEqual(presence, {});
});
