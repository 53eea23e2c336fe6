/**
 * @typedef {object} Turn a finished cycle
 * @property {number} version the version of the event that ended it
 * @property {number} cycle
 * @property {?string} participantId its participant; null if the trail doesn't contain it
 * @property {?string} groupId
 * @property {number} ms its length
 */

/**
 * The turns that ended within some consecutive events of the audit trail. The first event can't end
 * a turn here, as the event before it isn't known.
 *
 * @param {object[]} events oldest first, without a gap
 * @returns {Turn[]}
 */
export function turnsIn(events) {
  const turns = [];
  let active = null;
  events.forEach((event, position) => {
    const before = events[position - 1];
    if (event.event === "switch_undone" || event.metadata.reopen) {
      active = withoutResumed(turns, event)?.participantId ?? event.participant_id ?? active;
      return;
    }
    if (before && hasEndedTurn(event, before)) turns.push(turnOf(event, before, active));
    active = activeAfter(event, active);
  });
  return turns;
}

/** Remove the turn that goes on after it had ended, and return it if it is known. */
function withoutResumed(turns, { cycle_number: cycle }) {
  let resumed;
  while (turns.at(-1)?.cycle >= cycle) resumed = turns.pop();
  return resumed;
}

/** Whether `event` ended the turn that was active since the event `before` it. */
export function hasEndedTurn(event, before) {
  if (before.cycle_number === 0 || isEnd(before)) return false;
  return event.cycle_number > before.cycle_number || isEnd(event);
}

function isEnd({ event, metadata }) {
  if (event === "time_expired") return metadata.status === "expired";
  return ["session_completed", "session_cancelled", "session_deleted"].includes(event);
}

function turnOf(event, before, active) {
  return {
    version: event.version,
    cycle: before.cycle_number,
    participantId: active ?? event.participant_id,
    groupId: event.group_id,
    ms: event.time_elapsed_ms ?? 0,
  };
}

function activeAfter({ event, participant_id: participantId, metadata }, active) {
  if (event === "session_started") return participantId;
  if (event === "cycle_switched" || event === "time_expired") return metadata.next_participant_id;
  return active;
}
