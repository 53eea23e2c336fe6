import { nearest } from "/clients/js/synckairos.js";
import { amountOfTime } from "./format.js";

/** How many events before the present version are searched for the last extension. */
const SEARCHED = 100;

/**
 * The last extension of a session with a soft close. It is the difference of the clocks before and
 * after the switch; for extensions before the page was opened, hosts find it in the audit trail.
 */
export function lastExtension(session) {
  let previous;
  let ms = 0;

  function update(state, allowed) {
    const before = previous;
    previous = state;
    const used = state.extensions?.used ?? 0;
    if (!used) ms = 0;
    else if (!before) readTrail(state, allowed);
    else if (used > before.extensions.used) ms = gained(before, state);
    else if (used < before.extensions.used) readTrail(state, allowed); // a bid was undone
  }

  async function readTrail({ version }, { readHistory }) {
    ms = 0;
    if (!readHistory) return;
    const { events } = await session
      .events(Math.max(0, version - SEARCHED), SEARCHED)
      .catch(() => ({ events: [] })); // the history shows the problem
    const last = events.findLast((event) => event.metadata.extended_by_ms);
    if (last && previous.version === version) ms = last.metadata.extended_by_ms;
  }

  return {
    update,
    /** The last extension in words; empty if there is none. */
    text: () => (ms ? `Extended by ${amountOfTime(ms)}` : ""),
  };
}

function gained(before, after) {
  const at = after.server_time_ms;
  return Math.max(0, Math.round(nearest(after, at) - nearest(before, at)));
}
