/** The stores of the binding for Svelte; tests/e2e/test_bindings.py has them in a component. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { get } from "svelte/store";

import { useRemaining, useSession } from "../svelte.js";
import { ID, Service, nextTurn, still } from "./service.mjs";
import { T0, chess } from "./states.mjs";

beforeEach(() => {
  globalThis.document = {}; // as in a browser
});
afterEach(() => {
  delete globalThis.document;
});

/** What a store has had, and the end of the subscription. */
function subscribed(store) {
  const values = [];
  return { values, stop: store.subscribe((value) => values.push(value)) };
}

test("a store of a session has each change while it has subscribers", async () => {
  const service = new Service();
  const store = useSession(service.client(), ID);
  const { values, stop } = subscribed(store);
  await service.time.pass(0);
  service.socket.push(still(2));
  assert.deepEqual([...new Set(values.map(({ state }) => state?.version))], [undefined, 1, 2]);
  assert.equal(values.at(-1).connection.status, "live");
  assert.equal(values.at(-1).remaining("ada"), 10_000);
  stop();
  await nextTurn();
  assert.equal(store.session.connection.status, "closed");
});

test("a session is followed once for several stores", async () => {
  const service = new Service();
  const client = service.client();
  const [one, other] = [useSession(client, ID), useSession(client, ID)].map(subscribed);
  await service.time.pass(0);
  one.stop();
  await nextTurn();
  assert.equal(service.sockets.length, 1);
  assert.equal(client.session(ID).connection.status, "live");
  other.stop();
  await nextTurn();
  assert.equal(client.session(ID).connection.status, "closed");
});

test("useRemaining computes the time left every everyMs, and on each change", async () => {
  const service = new Service();
  service.state = chess({ server_time_ms: T0 });
  const session = useSession(service.client(), ID);
  const { stop } = subscribed(session);
  await service.time.pass(0);
  mock.timers.enable({ apis: ["setInterval"] });
  const left = subscribed(useRemaining(session, "ada", { everyMs: 5 }));
  const before = left.values.at(-1);
  await service.time.pass(3000);
  assert.equal(left.values.at(-1), before);
  mock.timers.tick(5);
  assert.equal(Math.round(before - left.values.at(-1)), 3000);
  mock.timers.reset();
  service.socket.push(still(2, { participants: [] }));
  assert.equal(left.values.at(-1), null);
  left.stop();
  stop();
});

test("on a server no session is opened", () => {
  delete globalThis.document;
  const service = new Service();
  const session = useSession(service.client(), ID);
  assert.equal(get(session).connection.status, "closed");
  assert.equal(get(useRemaining(session, "ada")), null);
  assert.equal(service.sockets.length + service.requests.length, 0);
});
