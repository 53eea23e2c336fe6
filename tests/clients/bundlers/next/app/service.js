/** Reads a session on the server. */

import { SyncKairos } from "synckairos";

export const serviceUrl = () => process.env.SERVICE_URL;

export async function readSession(id) {
  const client = new SyncKairos({ baseUrl: serviceUrl() });
  try {
    return await client.session(id).refresh();
  } finally {
    client.close();
  }
}
