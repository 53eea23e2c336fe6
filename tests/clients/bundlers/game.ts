/**
 * An application for Deno, Bun and Node: it creates a game at the service of its first argument,
 * follows it over a WebSocket, switches, and prints the transport and the time left.
 */

import { SyncKairos, newId, type Connection, type SessionState } from "synckairos";

// Declared here, because an application need not have Node's types.
const { process } = globalThis as unknown as { process: { argv: string[] } };

const client = new SyncKairos({ baseUrl: process.argv[2] ?? "" });
const [ada, ben] = [newId(), newId()];
const session = await client.create({
  sync_mode: "per_participant",
  participants: [
    { participant_id: ada, total_time_ms: 180_000 },
    { participant_id: ben, total_time_ms: 180_000 },
  ],
});
const live = new Promise<Connection>((resolve) => {
  session.addEventListener("connection", ({ detail: { connection } }) => {
    if (connection.status === "live") resolve(connection);
  });
});
await session.open();
const { transport } = await live;
await session.start();
const state: SessionState = await session.switch({ current: ada }, { representation: true });
await session.pause();
const turn = state.active_participant_id === ben ? "ben" : "ada";
const left: number | null = session.remaining(ben);
console.log(transport, turn, left === null ? "none" : Math.ceil(left / 60_000));
client.close();
