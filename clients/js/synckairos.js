/**
 * SyncKairos client: live timer sessions, synchronised to the server's clock. Plain ES modules
 * without dependencies; they run in browsers and wherever `fetch` and `EventTarget` exist.
 */
export {
  activeGroup,
  elapsed,
  hasFallen,
  isRunning,
  isTerminal,
  nearest,
  offset,
  over,
  overtime,
  participantOf,
  remaining,
  remainingOf,
  sharedClocks,
  scheduledIn,
  startsIn,
  used,
} from "./session-clocks.js";
export { SyncKairos } from "./client.js";
export { ServerClock } from "./clock.js";
export { ApiError } from "./errors.js";
export { newId } from "./ids.js";
export { Session } from "./session.js";
export { SessionClock } from "./session-clock.js";
export { shown } from "./wire-clock.js";
