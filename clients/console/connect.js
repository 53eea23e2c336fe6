import { SyncKairos } from "/clients/js/synckairos.js";

/** A client of this service with a running clock; `token` is undefined for a service without tokens. */
export function connect(token) {
  const realtime = () => import("./vendor/realtime-js.js");
  const connected = new SyncKairos({ token, realtime });
  connected.clock.start();
  return connected;
}
