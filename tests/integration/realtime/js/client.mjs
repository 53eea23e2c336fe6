// One of Supabase's clients in one channel, led by lines of JSON: orders come on standard input,
// what happens goes to standard output. The first order says which client, and where.
import { createInterface } from "node:readline";
import { RealtimeClient } from "@supabase/realtime-js";
import { createClient } from "@supabase/supabase-js";
import { WebSocket } from "ws";

const tell = (what) => console.log(JSON.stringify(what));

const LIBRARIES = {
  "realtime-js": ({ url, key, vsn }) =>
    new RealtimeClient(`${url}/realtime/v1`, { params: { apikey: key }, transport: WebSocket, vsn }),
  "supabase-js": ({ url, key }) =>
    createClient(url, key, {
      realtime: { transport: WebSocket },
      ...(token ? { accessToken: async () => token } : {}),
    }).realtime,
};

let client;
let channel;
let token;

// supabase-js asks for a token whenever it needs one; realtime-js keeps the one that it was given.
const authenticate = (library) => client.setAuth(library === "supabase-js" ? null : token);

const ORDERS = {
  async join(order) {
    token = order.token;
    client = LIBRARIES[order.library](order);
    if (token) await authenticate(order.library);
    const config = { private: order.private, presence: { enabled: order.presence } };
    channel = client.channel(order.topic, { config: { ...config, broadcast: { ack: true } } });
    channel.on("broadcast", { event: "*" }, ({ event, payload }) => tell({ event, payload }));
    channel.on("system", {}, ({ status, message }) => tell({ system: status, message }));
    if (order.presence) {
      channel.on("presence", { event: "join" }, ({ key, newPresences }) =>
        tell({ presence: "join", key, states: newPresences }));
      channel.on("presence", { event: "leave" }, ({ key, leftPresences }) =>
        tell({ presence: "leave", key, states: leftPresences }));
    }
    channel.subscribe((status, error) => tell({ status, reason: error?.message ?? null }));
  },
  async set_auth(order) {
    token = order.token;
    await authenticate(order.library);
  },
  send: async ({ event, payload }) =>
    tell({ answer: await channel.send({ type: "broadcast", event, payload }, { timeout: 500 }) }),
  track: async ({ state }) => tell({ answer: await channel.track(state, { timeout: 500 }) }),
  leave: async () => tell({ answer: await channel.unsubscribe() }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  await ORDERS[order.do](order);
}
process.exit(0);
