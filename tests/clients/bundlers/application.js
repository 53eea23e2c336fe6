/** An application: it creates a session at the service of its first argument, and prints the state. */

import { SyncKairos } from "synckairos";

const client = new SyncKairos({ baseUrl: process.argv[2] });
const session = await client.create({ sync_mode: "count_up" });
console.log(session.state.status);
