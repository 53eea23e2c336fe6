import { modeOf } from "./modes.js";

/** What people call a session and those who take part; ids where nobody gave a name. */
export function namingOf(state) {
  const { title, names = {}, group_names: groupNames = {} } = state.metadata ?? {};
  const { participants, groups = [] } = state;
  return {
    title: text(title) ?? modeOf(state.sync_mode).name,
    knows: (id) => participants.some((p) => p.participant_id === id),
    participant(id) {
      const position = participants.findIndex((p) => p.participant_id === id);
      return text(names[id]) ?? (position < 0 ? "Somebody" : `Person ${position + 1}`);
    },
    group(id) {
      const position = groups.findIndex((g) => g.group_id === id);
      const only = participants.filter((p) => p.group_id === id);
      const sole = only.length === 1 ? text(names[only[0].participant_id]) : null;
      return text(groupNames[id]) ?? sole ?? `Team ${position + 1}`;
    },
  };
}

/** Metadata is the application's own and may hold anything. */
function text(value) {
  return typeof value === "string" && value ? value : null;
}
