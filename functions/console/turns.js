/**
 * @typedef {object} Turn a cycle that is over
 * @property {number} version of the event that ended it
 * @property {number} cycle
 * @property {?string} participantId whose it was; null where the trail doesn't tell
 * @property {?string} groupId
 * @property {number} ms how long it ran
 */

/**
 * The turns that ended in a stretch of the audit trail. The first event only tells where they begin,
 * unless it is the session's first.
 *
 * @param {object[]} events oldest first, without a gap
 * @returns {Turn[]}
 */
export function turnsIn(events) {
  const turns = [];
  let playing = null;
  events.forEach((event, position) => {
    const before = events[position - 1];
    if (before && hasEndedTurn(event, before)) turns.push(turnOf(event, before, playing));
    playing = nextPlayer(event, playing);
  });
  return turns;
}

/** Whether an event ended the turn that ran after the one `before` it. */
export function hasEndedTurn(event, before) {
  if (before.cycle_number === 0 || isEnd(before)) return false;
  return event.cycle_number > before.cycle_number || isEnd(event);
}

function isEnd({ event, metadata }) {
  if (event === "time_expired") return metadata.status === "expired";
  return ["session_completed", "session_cancelled", "session_deleted"].includes(event);
}

function turnOf(event, before, playing) {
  return {
    version: event.version,
    cycle: before.cycle_number,
    participantId: playing ?? event.participant_id,
    groupId: event.group_id,
    ms: event.time_elapsed_ms ?? 0,
  };
}

function nextPlayer({ event, participant_id: participantId, metadata }, playing) {
  if (event === "session_started") return participantId;
  if (event === "cycle_switched" || event === "time_expired") return metadata.next_participant_id;
  return playing;
}
