import { modeOf } from "./modes.js";

/** Names of a session, its participants and groups, with defaults such as "Person 2". */
export function namesOf(state) {
  const { title, names = {}, group_names: groupNames = {} } = state.metadata ?? {};
  const { participants, groups = [] } = state;
  return {
    title: text(title) ?? modeOf(state.sync_mode).name,
    knows: (id) => participants.some((p) => p.participant_id === id),
    participant(id) {
      const position = participants.findIndex((p) => p.participant_id === id);
      return text(names[id]) ?? (position < 0 ? "Someone" : `Person ${position + 1}`);
    },
    group(id) {
      const position = groups.findIndex((g) => g.group_id === id);
      const members = participants.filter((p) => p.group_id === id);
      const soleMember = members.length === 1 ? text(names[members[0].participant_id]) : null;
      return text(groupNames[id]) ?? soleMember ?? `Team ${position + 1}`;
    },
  };
}

/** The value if it is a non-empty string; applications may store anything in the metadata. */
function text(value) {
  return typeof value === "string" && value ? value : null;
}
