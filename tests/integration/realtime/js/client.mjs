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
    channel = client.channel(command.topic, { config: { private: command.private } });
    channel.on("broadcast", { event: "*" }, ({ event, payload }) => report({ event, payload }));
    channel.subscribe((status, error) => report({ status, reason: error?.message ?? null }));
  },
  async set_auth(command) {
    token = command.token;
    await authenticate(command.library);
  },
  leave: () => channel.unsubscribe(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  await COMMANDS[command.do](command);
}
process.exit(0);
