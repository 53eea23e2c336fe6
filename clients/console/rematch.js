const SETTINGS = [
  ...["sync_mode", "auto_advance", "action_on_timeout", "warn_at_ms", "overtime", "lag"],
  ...["participants_may_pause", "participants_may_give_ms"],
];
const OF_PERSON = ["participant_id", "group_id", "total_time_ms", "time_control", "name"];
const OF_GROUP = ["group_id", "total_time_ms", "time_control", "name"];

/**
 * The same game once more, as the body of a creation. The side that was second begins.
 *
 * @param {object} first the session's state at version 1, with the times of its beginning
 * @param {object} last its last state, with the names
 */
export function rematchOf(first, last) {
  const { result, ...metadata } = last.metadata ?? {};
  const names = new Map(last.participants.map((one) => [one.participant_id, one.name]));
  const [opener, ...others] = first.participants.map((one) => ({
    ...pick(one, OF_PERSON),
    name: names.get(one.participant_id) ?? one.name,
  }));
  return {
    ...pick(first, SETTINGS),
    ...pick(first, [first.time_control ? "time_control" : "increment_ms"]),
    participants: [...others, opener],
    groups: first.groups?.map((group) => pick(group, OF_GROUP)),
    metadata,
  };
}

function pick(source, names) {
  const pairs = names.map((name) => [name, source[name]]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
