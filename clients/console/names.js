import { modeOf } from "./modes.js";
import { wordsOf } from "./words.js";

/** The blocks of Unicode whose letters are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
const FIRST_STRONG_ISOLATE = "\u2068";
const END_OF_ISOLATE = "\u2069";

/**
 * Remembers the names over the states of a session. It returns `namesOf` a state, in which those who
 * have left keep their last name.
 */
export function nameBook() {
  const known = new Map();
  return (state) => {
    const names = namesOf(state, known);
    for (const { participant_id: id } of state.participants) known.set(id, names.participant(id));
    for (const { group_id: id } of state.groups ?? []) known.set(`group ${id}`, names.group(id));
    return { ...names, key: JSON.stringify([...known]) };
  };
}

/**
 * Names of a session, its participants and groups, with defaults such as "Person 2". Older sessions
 * have the names in their metadata.
 */
export function namesOf(state, known = new Map()) {
  const { title, names, group_names: groupNames } = state.metadata ?? {};
  const { participants, groups = [] } = state;
  const { person } = wordsOf(state);
  const nameOf = (one) => text(one.name) ?? text(names?.[one.participant_id]);
  return {
    title: text(title) ?? modeOf(state.sync_mode).name,
    knows: (id) => participants.some((p) => p.participant_id === id),
    participant(id) {
      const position = participants.findIndex((p) => p.participant_id === id);
      if (position < 0) return known.get(id) ?? text(names?.[id]) ?? "Someone";
      return nameOf(participants[position]) ?? `${person} ${position + 1}`;
    },
    group(id) {
      const position = groups.findIndex((g) => g.group_id === id);
      if (position < 0) return known.get(`group ${id}`) ?? text(groupNames?.[id]) ?? "A former team";
      const members = participants.filter((p) => p.group_id === id);
      const soleMember = members.length === 1 ? nameOf(members[0]) : null;
      const given = text(groups[position]?.name) ?? text(groupNames?.[id]);
      return given ?? soleMember ?? `Team ${position + 1}`;
    },
  };
}

/**
 * The same names for a sentence: one that is written from right to left is isolated, so that it
 * doesn't turn the words and times beside it around.
 */
export function isolating(names) {
  return {
    ...names,
    participant: (id) => isolated(names.participant(id)),
    group: (id) => isolated(names.group(id)),
  };
}

function isolated(name) {
  return RIGHT_TO_LEFT.test(name) ? `${FIRST_STRONG_ISOLATE}${name}${END_OF_ISOLATE}` : name;
}

/** The value if it is a non-empty string; applications may store anything in the metadata. */
function text(value) {
  return typeof value === "string" && value ? value : null;
}
