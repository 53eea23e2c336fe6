/** The hooks, in the real React on a simulated page. */

import assert from "node:assert/strict";
import { after, afterEach, mock, test } from "node:test";

import { Window } from "happy-dom";
import { StrictMode, act, createElement as h } from "react";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";

import { SyncKairosProvider, useClient, useRemaining, useSession } from "../react.js";
import { ID, Service, eventsOf, nextTurn, still } from "./service.mjs";
import { T0, chess } from "./states.mjs";

const page = new Window();
globalThis.window = page;
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
after(() => page.close());

const roots = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await act(() => root.unmount());
});

/** A service, a client of it, and a mounted component. */
async function mount(component, { service = new Service(), isStrict = false, ...props } = {}) {
  const client = service.client();
  const container = page.document.createElement("div");
  const root = createRoot(container);
  roots.push(root);
  const render = (more = {}) => {
    const element = h(component, { client, ...props, ...more });
    return act(async () => root.render(isStrict ? h(StrictMode, null, element) : element));
  };
  await render();
  const pass = (ms) => act(() => service.time.pass(ms));
  await pass(0);
  return { service, client, root, render, pass, text: () => container.textContent };
}

function Version({ client, id = ID }) {
  const { state, connection, existence } = useSession(client, id);
  return `${state?.version ?? "none"} ${connection.status} ${existence}`;
}

test("a component renders on each change", async () => {
  const { service, text } = await mount(Version);
  assert.equal(text(), "1 live present");
  await act(async () => service.socket.push(still(2)));
  assert.equal(text(), "2 live present");
  await act(async () => service.socket.say("SESSION_DELETED", { timestamp: T0 }));
  assert.equal(text(), "none live deleted");
});

test("a session is followed once for all components, until the last one unmounts", async () => {
  const Pair = ({ client, isPair = true }) => [
    h(Version, { client, key: 1 }),
    isPair && h(Version, { client, key: 2 }),
  ];
  const { service, client, root, render } = await mount(Pair);
  const session = client.session(ID);
  assert.equal(service.sockets.length, 1);
  await render({ isPair: false });
  await nextTurn();
  assert.equal(session.connection.status, "live");
  await act(() => root.unmount());
  await nextTurn();
  assert.equal(session.connection.status, "closed");
  client.close();
  assert.equal(service.time.timers, 0);
});

test("with another id the component follows another session", async () => {
  const other = ID.replace("5", "6");
  const { client, render, pass, text } = await mount(Version);
  await render({ id: other });
  await pass(500);
  await nextTurn();
  assert.equal(text(), "none connecting absent");
  assert.equal(client.session(ID).connection.status, "closed");
});

test("strict mode, which mounts components twice, opens one connection", async () => {
  const { service, text } = await mount(Version, { isStrict: true });
  await nextTurn();
  assert.equal(text(), "1 live present");
  assert.equal(service.sockets.length, 1);
});

test("a session opened outside of the hook stays open", async () => {
  const service = new Service();
  const { session } = await service.opened();
  const { root } = await mount(() => useSession({ session: () => session }, ID).state.version, {
    service,
  });
  await act(() => root.unmount());
  await nextTurn();
  assert.equal(session.connection.status, "live");
});

test("useSession returns the refusal", async () => {
  const Refusal = ({ client }) => String(useSession(client, "nonsense").refusal?.status);
  const service = new Service();
  service.answer = () => Response.json({ error: { code: "FORBIDDEN" } }, { status: 403 });
  const { text } = await mount(Refusal, { service });
  assert.equal(text(), "403");
});

test("below a provider, useSession needs only the id, and useClient returns the client", async () => {
  const Inner = () => {
    const { state } = useSession(ID);
    return `${state?.version ?? "none"} ${useClient().session(ID).id}`;
  };
  const App = ({ client }) => h(SyncKairosProvider, { client }, h(Inner));
  const { text } = await mount(App);
  assert.equal(text(), `1 ${ID}`);
});

test("without a provider the hooks say that one is missing", () => {
  for (const use of [() => useSession(ID), useClient]) {
    const Alone = () => String(use());
    assert.throws(() => renderToString(h(Alone)), /<SyncKairosProvider client=\{\.\.\.\}>/);
  }
});

test("useRemaining computes the time left every everyMs, and on each change", async () => {
  const service = new Service();
  service.state = chess({ server_time_ms: T0 });
  const Left = ({ client }) => {
    const session = useSession(client, ID);
    const left = useRemaining(session, "ada", { everyMs: 5 });
    return `${left === null ? "none" : Math.round(left)}`;
  };
  mock.timers.enable({ apis: ["setInterval"] });
  const { text, pass } = await mount(Left, { service });
  await act(() => mock.timers.tick(5));
  const before = Number(text());
  await pass(3000);
  await act(() => mock.timers.tick(4));
  assert.equal(Number(text()), before);
  await act(() => mock.timers.tick(1));
  assert.equal(before - Number(text()), 3000);
  mock.timers.reset();
  await act(async () => service.socket.push(still(2, { participants: [] })));
  assert.equal(text(), "none");
});

test("server-side rendering opens no session", () => {
  const service = new Service();
  const client = service.client();
  assert.equal(renderToString(h(Version, { client })), "none closed unknown");
  assert.equal(service.sockets.length + service.requests.length, 0);
});

test("useSession returns the session, and its clocks", async () => {
  const seen = {};
  const Session = ({ client }) => {
    Object.assign(seen, useSession(client, ID));
    return null;
  };
  const { service, pass } = await mount(Session);
  const events = eventsOf(seen.session);
  await pass(0);
  await act(async () => service.socket.push(still(2)));
  assert.deepEqual(events.versions(), [2]);
  assert.equal(typeof seen.session.switch, "function");
  assert.deepEqual([seen.remaining("ada"), seen.used("ada"), seen.elapsed()], [10_000, 0, 0]);
});
