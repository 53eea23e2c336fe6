/** A session's public API. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../synckairos.js";
import { ID, Service, data, eventsOf, refusal, silence, still } from "./service.mjs";
import { T0, at, chess } from "./states.mjs";

const PATH = `/v1/sessions/${ID}`;

/** Override the answers to some requests, named by method and path. */
function overriding(answers) {
  return ({ method, path }) => answers[`${method} ${path.replace(PATH, "")}`]?.();
}

test("opening resolves with the first state", async () => {
  const service = new Service();
  const session = service.client().session(ID.toUpperCase());
  assert.deepEqual([session.state, session.existence], [null, "unknown"]);
  assert.deepEqual(session.connection.status, "closed");
  const opening = session.open();
  await service.time.pass(100);
  assert.equal((await opening).version, 1);
  assert.equal(await session.open(), await opening);
});

test("opening an absent session resolves with null, and it becomes present later", async () => {
  const service = new Service();
  service.state = null;
  const session = service.client().session(ID);
  const events = eventsOf(session);
  const opening = session.open();
  await service.time.pass(300);
  assert.equal(await opening, null);
  assert.equal(session.existence, "absent");
  service.socket.push(still(1));
  assert.deepEqual([session.existence, events.versions()], ["present", [1]]);
});

test("a host, who can't subscribe to an absent session, finds it by polling", async () => {
  const service = new Service();
  service.state = null;
  service.answer = ({ path }) =>
    path.endsWith("/realtime") && !service.state ? refusal(404, "SESSION_NOT_FOUND") : undefined;
  const session = service.client().session(ID);
  const opening = session.open();
  await service.time.pass(600);
  assert.equal(await opening, null);
  service.state = still(1);
  await service.time.pass(2250);
  assert.equal(session.state.version, 1);
  assert.equal(session.connection.transport, "websocket");
  const subscriptions = service.requests.filter(({ path }) => path.endsWith("/realtime"));
  assert.equal(subscriptions.length, 2, "only reads look for the session");
});

for (const [status, code] of [
  [401, "UNAUTHENTICATED"],
  [403, "FORBIDDEN"],
]) {
  test(`opening rejects with ${status}, which is also the refusal`, async () => {
    const service = new Service();
    service.answer = () => refusal(status, code);
    const session = service.client({ token: "bad" }).session(ID);
    const events = eventsOf(session);
    const opening = session.open().catch((error) => error);
    await service.time.pass(1000);
    const error = await opening;
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.equal(session.refusal, error);
    assert.deepEqual([session.existence, session.connection.status], ["refused", "closed"]);
    const last = events.at(-1)[1];
    assert.deepEqual(
      [last.existence, last.refusal, last.connection.status],
      ["refused", error, "closed"],
    );
    assert.deepEqual([service.time.timers > 0, service.time.isWatched], [true, true]); // the clock's
  });
}

test("a refused session can be opened again", async () => {
  const service = new Service();
  service.answer = () => refusal(401, "UNAUTHENTICATED");
  const { session } = await service.opened();
  assert.equal(session.existence, "refused");
  service.answer = () => undefined;
  session.open();
  assert.deepEqual([session.existence, session.refusal], ["unknown", null]);
  await service.time.pass(100);
  assert.equal(session.state.version, 1);
});

test("an unavailable service is waited for, but open rejects after 15 s", async () => {
  const service = new Service();
  service.answer = () => refusal(503, "STORE_UNAVAILABLE");
  const { session } = await service.opened();
  const opening = session.open();
  await service.time.pass(15_000);
  await assert.rejects(opening, { status: 503, code: "STORE_UNAVAILABLE" });
  assert.deepEqual([session.existence, session.connection.status], ["unknown", "connecting"]);
  const again = session.open();
  service.answer = () => undefined;
  await service.time.pass(5000);
  assert.equal((await again).version, 1);
  assert.equal((await session.open()).version, 1);
  assert.deepEqual([session.existence, session.connection.status], ["present", "live"]);
});

test("following goes on after a deletion, until the id is used again", async () => {
  const service = new Service();
  const { session, events } = await service.opened();
  service.state = null;
  service.socket.say("SESSION_DELETED", { timestamp: T0 });
  service.socket.end(1000);
  assert.deepEqual([session.existence, session.state, session.remaining()], ["deleted", null, null]);
  await service.time.pass(1000);
  assert.equal(session.connection.status, "live");
  service.socket.push(still(1, { created_at: at(60_000) }));
  assert.equal(session.existence, "present");
  assert.deepEqual(
    events.map(([name]) => name).filter((name) => name === "deleted"),
    ["deleted"],
  );
});

test("clocks are computed from the state and the server's clock", async () => {
  const service = new Service();
  service.state = chess({ server_time_ms: T0 });
  const { session } = await service.opened();
  assert.equal(session.remaining("ada", T0 + 4000), 6000);
  assert.equal(session.remaining(null, T0 + 4000), 6000);
  assert.equal(session.remaining("ben", T0 + 4000), 9000);
  assert.equal(session.remaining("nobody", T0 + 4000), null);
  assert.equal(session.used("ada", T0 + 4000), 4000);
  assert.equal(session.used("nobody", T0), null);
  assert.equal(session.elapsed(T0 + 4000), 4000);
  assert.equal(session.remaining(), session.remaining(undefined, session.clock.now()));
});

test("the clock of a test session is ahead of the server's clock", async () => {
  const service = new Service();
  const { client, session } = await service.opened();
  await service.time.pass(1000);
  const hour = 3_600_000;
  const serverNow = session.clock.server.now();
  assert.equal(session.clock.now(), serverNow);
  service.socket.push(chess({ version: 2, server_time_ms: serverNow + hour, advanced_ms: hour }));
  assert.equal(session.clock.server.now(), serverNow);
  assert.equal(session.clock.now(), serverNow + hour);
  assert.equal(session.clock.errorMs, session.clock.server.errorMs);
  assert.equal(session.remaining("ada"), 10_000);
  await service.time.pass(4000);
  assert.equal(session.remaining("ada"), 6000);
  assert.equal(session.elapsed(), 4000);
});

test("an unsynced clock takes the server's time from the state of a test session", async () => {
  const service = new Service();
  service.answer = ({ path }) => (path === "/v1/time" ? refusal(503) : undefined);
  const session = service.client().session(ID);
  session.beginWith(chess({ server_time_ms: T0 + 60_000, advanced_ms: 60_000 }));
  assert.equal(session.clock.server.now(), T0);
  assert.equal(session.clock.now(), T0 + 60_000);
  assert.equal(session.remaining("ada"), 10_000);
});

test("each action makes its request", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.requests.length = 0;
  service.answer = ({ method }) => (method === "GET" ? undefined : data({ version: 1 }));
  const options = { ifMatch: 4 };
  await session.start(options);
  await session.pause();
  await session.resume();
  await session.complete();
  await session.cancel();
  await session.switch();
  await session.switch({ next: "ben", current: null });
  await session.switch({ next: "ben", current: "ada" });
  await session.addParticipant({ participant_id: "cleo" });
  await session.adjust("ada", 5000);
  await session.adjust("ada", 5000, "a fair wind");
  await session.adjust("a/b? ü%", 5000);
  await session.adjustClocks({ addMs: 300_000 });
  await session.adjustClocks({
    setMs: 5000,
    to: { participants: ["ada"] },
    reason: "late",
    reopen: true,
  });
  await session.update({ metadata: null });
  await session.updateParticipant("a/b", { name: "Ada" });
  await session.removeParticipant("a/b");
  await session.forfeit("a/b");
  await session.forfeit("ada", "left");
  await session.begin("ada");
  await session.begin(["ada", "ben"]);
  await session.begin();
  await session.begin(null, { metadata: { question: 2 } });
  await session.begin("ada", { metadata: { question: 3 } });
  await session.complete({ metadata: { result: 1 } });
  await session.finish("a/b");
  await session.reopen("ada", "by mistake");
  await session.pauseParticipant("ada");
  await session.resumeParticipant("ada");
  await session.go("talk", { ifMatch: 5 });
  await session.pause({ effectiveAt: 1_700_000_000_123.7 });
  await session.adjustClocks({ addMs: 1000 }, { effectiveAt: 1_700_000_000_000 });
  await session.unschedule();
  await session.advance({ ms: 5000 });
  await session.advance({ to: 1_700_000_000_000 });
  await session.advance({}, { ifMatch: 6 });
  await session.undo("turn_start");
  await session.undo("as_if_never", { reason: "illegal move", ifVersion: 7 });
  await session.createToken({ role: "spectator" });
  const asked = service.requests.map(({ method, path, body }) => [
    `${method} ${path.replace(PATH, "")}`,
    body,
  ]);
  assert.deepEqual(asked, [
    ["POST /start", undefined],
    ["POST /pause", undefined],
    ["POST /resume", undefined],
    ["POST /complete", undefined],
    ["POST /cancel", undefined],
    ["POST /switch", {}],
    ["POST /switch", { next_participant_id: "ben" }],
    ["POST /switch", { next_participant_id: "ben", current_participant_id: "ada" }],
    ["POST /participants", { participant_id: "cleo" }],
    ["PATCH /participants/ada", { total_time_ms: 5000 }],
    ["PATCH /participants/ada", { total_time_ms: 5000, reason: "a fair wind" }],
    ["PATCH /participants/a%2Fb%3F%20%C3%BC%25", { total_time_ms: 5000 }],
    ["POST /adjust", { add_ms: 300_000 }],
    [
      "POST /adjust",
      { set_ms: 5000, to: { participants: ["ada"] }, reason: "late", reopen: true },
    ],
    ["PATCH ", { metadata: null }],
    ["PATCH /participants/a%2Fb", { name: "Ada" }],
    ["DELETE /participants/a%2Fb", undefined],
    ["POST /participants/a%2Fb/forfeit", undefined],
    ["POST /participants/ada/forfeit", { reason: "left" }],
    ["POST /participants/ada/begin", undefined],
    ["POST /begin", { participants: ["ada", "ben"] }],
    ["POST /begin", undefined],
    ["POST /begin", { metadata: { question: 2 } }],
    ["POST /begin", { participants: ["ada"], metadata: { question: 3 } }],
    ["POST /complete", { metadata: { result: 1 } }],
    ["POST /participants/a%2Fb/finish", undefined],
    ["POST /participants/ada/reopen", { reason: "by mistake" }],
    ["POST /participants/ada/pause", undefined],
    ["POST /participants/ada/resume", undefined],
    ["POST /go", { item_id: "talk" }],
    ["POST /pause", { effective_at: "2023-11-14T22:13:20.123Z" }],
    ["POST /adjust", { add_ms: 1000, effective_at: "2023-11-14T22:13:20.000Z" }],
    ["POST /unschedule", undefined],
    ["POST /advance", { ms: 5000 }],
    ["POST /advance", { to: "2023-11-14T22:13:20.000Z" }],
    ["POST /advance", { until: "next" }],
    ["POST /undo", { mode: "turn_start" }],
    ["POST /undo", { mode: "as_if_never", reason: "illegal move", if_version: 7 }],
    ["POST /tokens", { role: "spectator" }],
  ]);
  assert.equal(service.requests[0].headers["If-Match"], '"4"');
});

test("a switch with representation answers the state, and the session has it at once", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.requests.length = 0;
  service.answer = ({ method }) => (method === "GET" ? undefined : data(still(2)));
  assert.equal((await session.switch({ next: "ben" }, { representation: true })).version, 2);
  assert.equal(session.state.version, 2);
  await session.switch();
  const sent = service.requests.map(({ headers }) => headers.Prefer);
  assert.deepEqual(sent, ["return=representation", undefined]);
});

test("mint, the deprecated name of createToken, makes the same request", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.answer = () => data({ token: "for a spectator" });
  assert.equal((await session.mint({ role: "spectator" })).token, "for a spectator");
  const { method, path, body } = service.requests.at(-1);
  assert.deepEqual([method, path, body], ["POST", `${PATH}/tokens`, { role: "spectator" }]);
});

test("a dry run asks for the answer only and leaves the state as it is", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.requests.length = 0;
  const before = session.state;
  const later = { ...before, version: before.version + 1, status: "paused" };
  service.answer = ({ method }) => (method === "GET" ? undefined : data(later));
  assert.deepEqual(await session.pause({ dryRun: true }), later);
  await session.switch({}, { dryRun: true });
  await session.delete({ dryRun: true });
  const client = service.client();
  assert.deepEqual(await client.previewCreate({ sync_mode: "global" }), later);
  await assert.rejects(client.create({}, { dryRun: true }), TypeError);
  assert.deepEqual([session.state, session.existence], [before, "present"]);
  const asked = service.requests.map(({ method, url }) => [method, url.replace("http://service", "")]);
  assert.deepEqual(asked, [
    ["POST", `${PATH}/pause?dry_run=true`],
    ["POST", `${PATH}/switch?dry_run=true`],
    ["DELETE", `${PATH}?dry_run=true`],
    ["POST", "/v1/sessions?dry_run=true"],
  ]);
});

test("a switch claims its lag only if the session compensates it", async () => {
  const service = new Service();
  const { session } = await service.opened();
  await service.time.pass(1000);
  service.answer = ({ method }) => (method === "GET" ? undefined : data({ version: 1 }));
  service.requests.length = 0;
  await session.switch({ actedAt: T0 });
  service.socket.push(still(2, { lag: {} }));
  await session.switch();
  await session.switch({ current: "ada", actedAt: T0 + 0.5 });
  const bodies = service.requests.filter(({ method }) => method === "POST").map((one) => one.body);
  const error_ms = Math.ceil(session.clock.errorMs);
  assert.deepEqual(bodies, [
    {},
    { acted_at_ms: Math.ceil(session.clock.now()), error_ms },
    { current_participant_id: "ada", acted_at_ms: T0 + 1, error_ms },
  ]);
});

test("in a browser, a switch sends the round trip of the connection as the frame lag", async () => {
  const service = new Service();
  service.state = still(1, { lag: {} });
  const { session } = await service.opened();
  await service.time.pass(1000);
  service.answer = ({ method }) => (method === "GET" ? undefined : data({ version: 1 }));
  service.requests.length = 0;
  await session.switch();
  service.time.isBrowser = true;
  await session.switch();
  await session.switch({ frameLagMs: 30.2 });
  await session.switch({ frameLagMs: 10_001 });
  const sent = service.requests.filter(({ method }) => method === "POST").map((one) => one.body);
  const measured = Math.ceil(session.clock.roundTripMs);
  assert.deepEqual(sent.map((body) => body.frame_lag_ms), [undefined, measured, 31, 10_000]);
});

test("a given frame lag is sent without a clock, and only with lag compensation", async () => {
  const service = new Service();
  service.answer = ({ path, method }) => {
    if (path === "/v1/time") return refusal(503);
    return method === "GET" ? undefined : data({ version: 1 });
  };
  service.time.isBrowser = true;
  for (const [state, expected] of [[still(1), {}], [still(1, { lag: {} }), { frame_lag_ms: 30 }]]) {
    const session = service.client().session(ID);
    session.beginWith(state);
    await session.switch({ frameLagMs: 30 });
    assert.deepEqual(service.requests.at(-1).body, expected);
  }
});

test("a switch claims no lag while the server's time is unknown", async () => {
  const service = new Service();
  service.answer = ({ path, method }) => {
    if (path === "/v1/time") return refusal(503);
    return method === "GET" ? undefined : data({ version: 1 });
  };
  const session = service.client().session(ID);
  session.beginWith(still(1, { lag: {} }));
  await session.switch({ actedAt: T0 });
  assert.deepEqual(service.requests.at(-1).body, {});
});

test("events and replay make their requests", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.requests.length = 0;
  service.answer = () => data({});
  await session.events();
  await session.events(7, 2);
  await session.replay({ version: 3 });
  await session.replay({ at: "2026-01-31T09:30:05.123Z" });
  assert.deepEqual(
    service.requests.map(({ url }) => decodeURIComponent(url.split(ID)[1])),
    [
      "/events?limit=100",
      "/events?after=7&limit=2",
      "/replay?version=3",
      "/replay?at=2026-01-31T09:30:05.123Z",
    ],
  );
});

test("an action's response is applied at once, and its push ignored", async () => {
  const service = new Service();
  const { session, events } = await service.opened();
  service.answer = overriding({ "POST /resume": () => data(still(2)) });
  assert.equal((await session.resume()).version, 2);
  service.socket.push(still(2));
  assert.deepEqual(events.versions(), [1, 2]);
  assert.equal(events.filter(([name]) => name === "update").at(-1)[1].source, "action");
});

test("after a switch, the session is read if its push doesn't come", async () => {
  const service = new Service();
  service.subscription = { transport: "websocket", url: service.subscription.url };
  const { session, events } = await service.opened();
  await service.time.pass(100);
  service.answer = overriding({ "POST /switch": () => data({ version: 2 }) });
  await session.switch();
  service.state = still(2);
  await service.time.pass(249);
  assert.deepEqual(events.versions(), [1]);
  await service.time.pass(1);
  assert.deepEqual(events.versions(), [1, 2]);
});

test("delete changes the existence at once", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.answer = overriding({ "DELETE ": () => new Response(null, { status: 204 }) });
  await session.delete();
  assert.equal(session.existence, "deleted");
});

test("a refused action changes nothing", async () => {
  const service = new Service();
  const { session, events } = await service.opened();
  service.answer = overriding({ "POST /switch": () => refusal(409, "CONFLICT") });
  await assert.rejects(session.switch(), { code: "CONFLICT" });
  assert.deepEqual(events.versions(), [1]);
});

test("a new session has its state before it is opened", async () => {
  const service = new Service();
  const client = service.client();
  service.answer = () => data(still(1), { status: 201 });
  const session = await client.create({ sync_mode: "count_up" });
  assert.deepEqual([session.id, session.state.version, session.existence], [ID, 1, "present"]);
  assert.deepEqual([session.connection.status, service.sockets.length], ["closed", 0]);
  assert.equal(client.session(ID), session);
  session.close();
  assert.notEqual(client.session(ID), session);
});

for (const [name, follow] of [
  ["before /v1/time has answered", (session) => void session.open().catch(() => {})],
  ["without open()", (session) => session.refresh()],
]) {
  test(`a wall clock that is three hours off doesn't change the shown time ${name}`, async () => {
    const service = new Service();
    service.state = chess({ server_time_ms: T0 + 4_000 });
    service.answer = ({ path, signal }) => (path === "/v1/time" ? silence({ signal }) : undefined);
    for (const hours of [-3, 3]) {
      const wall = () => T0 + service.time.now + hours * 3_600_000;
      const session = service.client({ local: { ...service.time.local, wall } }).session(ID);
      await follow(session);
      await service.time.pass(0);
      await service.time.pass(250);
      assert.ok(Math.abs(session.remaining("ada") - 9_750) < 1, `${session.remaining("ada")}`);
      assert.equal(session.clock.errorMs, Infinity);
      session.close();
    }
  });
}

test("batch reads several sessions in one request", async () => {
  const service = new Service();
  service.answer = () => data({ sessions: [], not_found: [ID] });
  assert.deepEqual(await service.client().batch([ID]), { sessions: [], not_found: [ID] });
  assert.deepEqual(service.requests[0].body, { session_ids: [ID] });
});

test("a list of sessions is read page by page, even over an empty page", async () => {
  const pages = [
    { sessions: [{ session_id: "a" }], next: "1" },
    { sessions: [], next: "2" },
    { sessions: [{ session_id: "b" }], next: null },
  ];
  const service = new Service();
  service.answer = () => data(pages.shift());
  const filter = {
    status: "running",
    createdAfter: new Date("2026-01-31T09:30:05Z"),
    metadata: { room: "a&b", rated: true },
  };
  const found = [];
  for await (const one of service.client().listSessions(filter)) found.push(one.session_id);
  assert.deepEqual(found, ["a", "b"]);
  const queries = service.requests.map(({ url }) => new URL(url).searchParams);
  assert.deepEqual(
    queries.map((query) => query.get("after")),
    [null, "1", "2"],
  );
  assert.deepEqual(Object.fromEntries(queries[0]), {
    status: "running",
    created_after: "2026-01-31T09:30:05.000Z",
    "metadata.room": "a&b",
    "metadata.rated": "true",
  });
});

test("events are asked for by type and newest first", async () => {
  const service = new Service();
  service.answer = () => data({ events: [], next: null });
  const session = service.client().session(ID);
  await session.events();
  await session.events(7, 2, { type: "cycle_switched", order: "desc" });
  assert.deepEqual(
    service.requests.map(({ url }) => new URL(url).search),
    ["?limit=100", "?after=7&limit=2&type=cycle_switched&order=desc"],
  );
  session.close();
});

test("the named time controls are read as a list", async () => {
  const blitz = { name: "blitz", title: "Blitz", game: "chess", total_time_ms: 300_000 };
  const listed = [{ ...blitz, time_control: { increment_ms: 2000 } }];
  const service = new Service();
  service.answer = () => data({ time_controls: listed });
  assert.deepEqual(await service.client().timeControls(), listed);
  const [{ method, path }] = service.requests;
  assert.deepEqual([method, path], ["GET", "/v1/time-controls"]);
});

test("refresh starts a new read, even while another one is under way", async () => {
  const service = new Service();
  const { session } = await service.opened();
  let release;
  service.answer = ({ method, path }) =>
    method === "GET" && path === PATH && !release
      ? new Promise((resolve) => (release = () => resolve(data(still(1)))))
      : undefined;
  const first = session.refresh();
  await service.time.pass(0);
  service.state = still(2);
  const second = session.refresh();
  await service.time.pass(0);
  release();
  await service.time.pass(0);
  assert.equal((await first).version, 1);
  assert.equal((await second).version, 2);
});

test("refresh works without following, and rejects on failure", async () => {
  const service = new Service();
  const session = service.client().session(ID);
  assert.equal((await session.refresh()).version, 1);
  service.answer = () => refusal(503, "STORE_UNAVAILABLE");
  await assert.rejects(session.refresh(), { code: "STORE_UNAVAILABLE" });
  session.open();
  await service.time.pass(0);
  const refreshed = session.refresh().catch(({ code }) => code);
  await service.time.pass(3000);
  assert.equal(await refreshed, "STORE_UNAVAILABLE");
});

test("closing resolves a waiting refresh", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.answer = silence;
  const refreshed = session.refresh();
  await service.time.pass(0);
  session.close();
  await service.time.pass(20_000);
  assert.equal((await refreshed).version, 1);
  assert.equal(session.connection.status, "closed");
});

test("a page that is shown again reads at once", async () => {
  const service = new Service();
  const { events } = await service.opened();
  await service.time.show(false);
  await service.time.pass(300_000);
  service.state = still(7);
  service.socket.isAlive = false;
  await service.time.show(true);
  await service.time.pass(0);
  assert.deepEqual(events.versions(), [1, 7]);
});
