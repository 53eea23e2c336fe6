/**
 * The SyncKairos client: the server's clock, the API, and sessions that follow themselves.
 * Plain ES modules without dependencies; they run in browsers and wherever `fetch`,
 * `WebSocket`, `EventTarget` and `performance` exist.
 */
export {
  activeGroup,
  elapsed,
  isRunning,
  isTerminal,
  nearest,
  remaining,
  remainingOf,
  sharedClocks,
  used,
} from "./anchors.js";
export { Api, ApiError } from "./api.js";
export { ServerClock } from "./clock.js";
export { newId } from "./ids.js";
export { Polling, untilNextLook } from "./polling.js";
export { bestOf, sampleOf } from "./sample.js";
export { LiveSession, isNewer } from "./session.js";
export { LiveSocket, socketUrl } from "./socket.js";
