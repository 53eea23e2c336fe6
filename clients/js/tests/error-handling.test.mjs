/** Error handling of a session. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ID, Service, data, refusal, silence, still } from "./service.mjs";

const FOR_TEN_MINUTES = 600_000;

test("a session that is closed during a read can be opened again", async () => {
  const service = new Service();
  service.subscription = { transport: "polling", url: "unused" };
  let hangs = true;
  service.answer = ({ path }) => (hangs && path.endsWith(ID) ? new Promise(() => {}) : undefined);
  const session = service.client().session(ID);
  session.open().catch(() => {});
  await service.time.pass(1000);
  session.close();
  hangs = false;
  const opening = session.open();
  await service.time.pass(1000);
  assert.equal((await opening).version, 1);
  session.close();
});

test("a session that is closed when its connection is lost doesn't reconnect", async () => {
  const service = new Service();
  const { session } = await service.opened();
  session.addEventListener("connection", ({ detail }) => {
    if (detail.connection.status !== "live") session.close();
  });
  const made = service.sockets.length;
  service.socket.end(1006);
  await service.time.pass(FOR_TEN_MINUTES);
  assert.equal(service.sockets.length, made);
  assert.equal(session.connection.status, "closed");
});

test("open rejects at once if the request is invalid", async () => {
  const service = new Service();
  service.answer = ({ path }) => (path === "/v1/time" ? undefined : refusal(400, "VALIDATION_ERROR"));
  const opening = service.client().session("nonsense").open();
  opening.catch(() => {});
  await service.time.pass(FOR_TEN_MINUTES);
  await assert.rejects(opening, { status: 400 });
  assert.ok(service.requests.length < 5);
});

for (const [name, fetch, reason] of [
  ["is not running", () => Promise.reject(new TypeError("fetch failed")), /service: fetch failed$/],
  ["hangs", (_, { signal }) => silence({ signal }), /service: no answer within 5 s$/],
  ["is another server", async () => new Response("<p>Hi</p>"), /another server answered .* 200$/],
]) {
  test(`open rejects with address and reason if the service ${name}; following goes on`, async () => {
    const service = new Service();
    const client = service.client({ fetch });
    const session = client.session(ID);
    const opening = session.open();
    opening.catch(() => {});
    await service.time.pass(15_000);
    await assert.rejects(opening, { status: 0, code: "UNREACHABLE", message: reason });
    assert.equal(session.connection.status, "connecting");
    client.close();
  });
}

for (const status of [429, 503]) {
  test(`a ${status} is reported as problem, and the read repeated after Retry-After`, async () => {
    const service = new Service();
    let isBusy = true;
    const busy = () => refusal(status, "BUSY", { "Retry-After": "30" });
    service.answer = ({ path }) => (isBusy && path !== "/v1/time" ? busy() : undefined);
    const session = service.client().session(ID);
    const problems = [];
    session.addEventListener("connection", ({ detail }) => problems.push(detail.problem?.status));
    const opening = session.open();
    await service.time.pass(2000);
    assert.equal(session.problem.status, status);
    assert.equal(session.problem.retryAfterMs, 30_000);
    assert.ok(problems.includes(status));
    assert.equal(session.existence, "unknown");
    const asked = service.requests.filter(({ path }) => path !== "/v1/time").length;
    await service.time.pass(25_000);
    assert.equal(service.requests.filter(({ path }) => path !== "/v1/time").length, asked);
    await assert.rejects(opening, { status, code: "BUSY" });
    isBusy = false;
    await service.time.pass(10_000);
    assert.equal((await session.open()).version, 1);
    assert.equal(session.problem, null);
    session.close();
  });
}

test("a problem is reported while the existence is known, and once per status", async () => {
  const service = new Service();
  const { session } = await service.opened();
  const problems = [];
  session.addEventListener("connection", ({ detail }) => problems.push(detail.problem?.status));
  service.answer = ({ path }) => (path.endsWith(ID) ? refusal(503) : undefined);
  for (let reads = 0; reads < 3; reads++) {
    session.refresh().catch(() => {});
    await service.time.pass(6000);
  }
  service.answer = () => undefined;
  await service.time.pass(6000);
  assert.deepEqual(problems, [503, undefined]);
  session.close();
});

test("after an invalid message a new socket brings the state", async () => {
  const service = new Service();
  const { session } = await service.opened();
  service.state = still(3);
  service.socket.onmessage({ data: "no json" });
  await service.time.pass(2000);
  assert.equal(service.sockets.length, 2);
  assert.equal(session.state.version, 3);
  session.close();
});

test("a 200 without a session is treated as a failure and repeated", async () => {
  const service = new Service();
  service.subscription = { transport: "polling", url: "unused" };
  const { session } = await service.opened();
  service.answer = ({ path }) => (path.endsWith(ID) ? data(null) : undefined);
  await service.time.pass(5000);
  service.answer = () => undefined;
  service.state = still(3);
  await service.time.pass(10_000);
  assert.equal(session.state.version, 3);
  session.close();
});
