import { Pace } from "./pace.js";

/** Events per request, the most that the service gives. */
const PAGE = 500;

/**
 * Read the audit trail of a session from its first event, page by page, without using up the user's
 * rate limit. Rejects with an `ApiError`.
 *
 * @param {import("/clients/js/synckairos.js").Session} session
 * @param {number} version the last one to read
 * @param {(readVersion: number) => boolean} onPage called with the newest version read so far;
 *   false: read no further
 * @returns {Promise<?object[]>} oldest first; null if `onPage` has ended it
 */
export async function readWholeTrail(session, version, onPage) {
  const pace = new Pace();
  const events = [];
  for (let after = 0; after !== null && after < version; ) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, pace.untilNext)));
    pace.began();
    const { events: page, next } = await session.events(after, PAGE);
    events.push(...page);
    after = next;
    if (!onPage(events.at(-1)?.version ?? 0)) return null;
  }
  return events;
}
