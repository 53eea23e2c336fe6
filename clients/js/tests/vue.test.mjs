/** The composables, in the real Vue on a simulated page. */

import assert from "node:assert/strict";
import { after, afterEach, mock, test } from "node:test";

import { Window } from "happy-dom";

import { ID, Service, nextTurn, still } from "./service.mjs";
import { T0, chess } from "./states.mjs";

const page = new Window();
globalThis.window = page;
for (const name of ["document", "Element", "SVGElement"]) globalThis[name] = page[name];
const { createApp, createSSRApp, h, nextTick, ref } = await import("vue");
const { renderToString } = await import("vue/server-renderer");
const { useRemaining, useSession } = await import("../vue.js");
after(() => page.close());

const apps = [];
afterEach(() => apps.splice(0).forEach((app) => app.unmount()));

/** A service, a client of it, and a mounted component with this `setup`. */
async function mount(setup, service = new Service()) {
  const client = service.client();
  const app = createApp({ setup: () => setup(client) });
  apps.push(app);
  const container = page.document.createElement("div");
  app.mount(container);
  await service.time.pass(0);
  await nextTick();
  return { service, client, app, text: () => container.textContent };
}

const shows = (session) => () => {
  const { state, connection, existence } = session.value;
  return h("p", `${state?.version ?? "none"} ${connection.status} ${existence}`);
};

test("a component renders on each change", async () => {
  const { service, text } = await mount((client) => shows(useSession(client, ID)));
  assert.equal(text(), "1 live present");
  service.socket.push(still(2));
  await nextTick();
  assert.equal(text(), "2 live present");
  service.socket.say("SESSION_DELETED", { timestamp: T0 });
  await nextTick();
  assert.equal(text(), "none live deleted");
});

test("a session is followed once for all uses, until the component is unmounted", async () => {
  const { service, client, app } = await mount((client) => {
    const sessions = [useSession(client, ID), useSession(client, ID)];
    return () => sessions.map((session) => shows(session)());
  });
  const session = client.session(ID);
  assert.equal(service.sockets.length, 1);
  app.unmount();
  apps.length = 0;
  await nextTurn();
  assert.equal(session.connection.status, "closed");
  client.close();
  assert.equal(service.time.timers, 0);
});

test("with another id the component follows another session", async () => {
  const id = ref(ID);
  const { service, client, text } = await mount((client) => shows(useSession(client, id)));
  id.value = ID.replace("5", "6");
  await nextTick();
  await service.time.pass(500);
  await nextTurn();
  assert.equal(text(), "none connecting absent");
  assert.equal(client.session(ID).connection.status, "closed");
});

test("useRemaining computes the time left every everyMs, and with another participant", async () => {
  const service = new Service();
  service.state = chess({ server_time_ms: T0 });
  const who = ref("ada");
  mock.timers.enable({ apis: ["setInterval"] });
  const { text } = await mount((client) => {
    const left = useRemaining(useSession(client, ID), who, { everyMs: 5 });
    return () => h("p", left.value === null ? "none" : `${Math.round(left.value)}`);
  }, service);
  const before = Number(text());
  await service.time.pass(3000);
  await nextTick();
  assert.equal(Number(text()), before);
  mock.timers.tick(5);
  await nextTick();
  assert.equal(before - Number(text()), 3000);
  mock.timers.reset();
  who.value = "nobody";
  await nextTick();
  assert.equal(text(), "none");
});

test("server-side rendering opens no session", async () => {
  const service = new Service();
  const client = service.client();
  const app = createSSRApp({ setup: () => shows(useSession(client, ID)) });
  assert.equal(await renderToString(app), "<p>none closed unknown</p>");
  assert.equal(service.sockets.length + service.requests.length, 0);
});
