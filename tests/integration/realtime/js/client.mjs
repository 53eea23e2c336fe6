// One of Supabase's clients in one channel, controlled by lines of JSON: it reads commands from
// standard input and writes reports to standard output. The first command names client and URL.
import { createInterface } from "node:readline";
import { RealtimeClient } from "@supabase/realtime-js";
import { createClient } from "@supabase/supabase-js";
import { WebSocket } from "ws";

const report = (what) => console.log(JSON.stringify(what));

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

// supabase-js requests a token whenever it needs one; realtime-js keeps the token that it got.
const authenticate = (library) => client.setAuth(library === "supabase-js" ? null : token);

const COMMANDS = {
  async join(command) {
    token = command.token;
    client = LIBRARIES[command.library](command);
    if (token) await authenticate(command.library);
    const config = { private: command.private, presence: { enabled: command.presence } };
    channel = client.channel(command.topic, { config: { ...config, broadcast: { ack: true } } });
    channel.on("broadcast", { event: "*" }, ({ event, payload }) => report({ event, payload }));
    channel.on("system", {}, ({ status, message }) => report({ system: status, message }));
    if (command.presence) {
      channel.on("presence", { event: "join" }, ({ key, newPresences }) =>
        report({ presence: "join", key, states: newPresences }));
      channel.on("presence", { event: "leave" }, ({ key, leftPresences }) =>
        report({ presence: "leave", key, states: leftPresences }));
    }
    channel.subscribe((status, error) => report({ status, reason: error?.message ?? null }));
  },
  async set_auth(command) {
    token = command.token;
    await authenticate(command.library);
  },
  send: async ({ event, payload }) =>
    report({ answer: await channel.send({ type: "broadcast", event, payload }, { timeout: 500 }) }),
  track: async ({ state }) => report({ answer: await channel.track(state, { timeout: 500 }) }),
  leave: async () => report({ answer: await channel.unsubscribe() }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  await COMMANDS[command.do](command);
}
process.exit(0);
