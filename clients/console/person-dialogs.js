import { openDialogWith } from "./dialog.js";
import { el, setText } from "./dom.js";
import { field, select, textInput } from "./field.js";
import { namesOf } from "./names.js";

const NO_CHOICE = ["", "Choose …"];
const PEOPLE_ARE_OPTIONAL = ["global", "count_up"];

/** Ask for a participant's new name; the participant with that id is chosen beforehand. */
export function openRename({ state }, act, id) {
  const names = namesOf(state);
  const person = personField(state.participants, names);
  const name = field("New name", textInput({ maxLength: 60 }));
  if (id) person.value = id;
  const fill = () => {
    name.value = names.participant(person.value);
    name.control.select();
  };
  person.control.addEventListener("change", fill);
  openDialogWith("Rename a person", [person.element, name.element], "Rename", () => {
    const typed = name.value.trim();
    if (!typed) return (name.showError("Enter a name"), false);
    return act.rename(person.value, typed);
  });
  fill();
}

/** The participants who may be chosen to start; empty after the start, or with fewer than two. */
export function possibleStarters({ starts_with: starter, participants }) {
  const playing = starter ? participants.filter((one) => !one.is_retired) : [];
  return playing.length > 1 ? playing : [];
}

/** Ask who takes the first turn; at first, the participant who starts now is chosen. */
export function openStarter({ state }, act) {
  const person = personField(possibleStarters(state), namesOf(state));
  person.value = state.starts_with;
  openDialogWith("Choose who starts", [person.element], "Choose", () =>
    act.chooseStarter(person.value),
  );
}

/** The participants who may be retired, and those who are and may take turns again. */
export function retirable({ participants }) {
  const playing = participants.filter((one) => !one.is_retired);
  return playing.length > 1 ? participants : participants.filter((one) => one.is_retired);
}

/** Ask who takes no more turns, or takes turns again. */
export function openRetire({ state }, act) {
  const people = retirable(state);
  const isRetired = (id) => Boolean(people.find((one) => one.participant_id === id).is_retired);
  const person = personField(people, namesOf(state));
  const words = el("p");
  const dialog = openDialogWith("Retire a person", [person.element, words], "Retire", () =>
    act.retire(person.value, !isRetired(person.value)),
  );
  const verb = dialog.querySelector("[type=submit]");
  const explain = () => {
    const returns = isRetired(person.value);
    setText(verb, returns ? "Let them return" : "Retire");
    setText(
      words,
      returns
        ? "They are retired. They take turns again from the next switch on."
        : "They take no more turns from the next switch on. You can let them return later.",
    );
  };
  person.control.addEventListener("change", explain);
  explain();
}

/**
 * The participants who may be removed: not the one whose turn it is, not the last one where the
 * mode needs people, and neither side of an hourglass.
 */
export function removable(state) {
  const { participants, sync_mode: mode, status, time_control: control } = state;
  if (participants.length === 1 && !PEOPLE_ARE_OPTIONAL.includes(mode)) return [];
  const isAlone = ({ group_id: group }) =>
    !group || participants.filter((one) => one.group_id === group).length === 1;
  return participants.filter((one) => {
    const hasTurn = one.is_active && status !== "pending";
    return !hasTurn && !(control?.hourglass && isAlone(one));
  });
}

/** Ask which participant to remove. */
export function openRemovePerson({ state }, act) {
  const words =
    state.sync_mode === "per_group"
      ? "They leave the session. Their team keeps its clock if it has other members."
      : "They leave the session, and their clock with them.";
  openFinal(state, removable(state), {
    title: "Remove a person",
    words: `${words} This can’t be taken back, and earlier switches can’t be undone any more.`,
    verb: "Remove",
    onYes: (id) => act.removePerson(id),
  });
}

/** The participants whose flag has not fallen. */
export function forfeitable({ participants }) {
  return participants.filter((one) => !one.has_expired);
}

/** Ask who forfeits, and why. */
export function openForfeit({ state }, act) {
  const clock = state.sync_mode === "per_group" ? "The clock of their team" : "Their clock";
  const reason = field("Reason", textInput({ maxLength: 500 }), { hint: "optional" });
  openFinal(state, forfeitable(state), {
    title: "Let a person forfeit",
    words: `${clock} falls to zero at once, as if the time were up. The time on it is lost.`,
    verb: "Forfeit",
    more: [reason.element],
    onYes: (id) => act.forfeit(id, reason.value.trim()),
  });
}

/** Ask for a person without a default, and name the person on the button that confirms. */
function openFinal(state, people, { title, words, verb, more = [], onYes }) {
  const names = namesOf(state);
  const person = personField(people, names, [NO_CHOICE]);
  const body = [el("p", {}, words), person.element, ...more];
  const dialog = openDialogWith(title, body, verb, () => {
    if (!person.value) return (person.showError("Choose a person"), false);
    return onYes(person.value);
  });
  const button = dialog.querySelector("[type=submit]");
  person.control.addEventListener("change", () =>
    setText(button, person.value ? `${verb}: ${names.participant(person.value)}` : verb),
  );
}

function personField(people, names, before = []) {
  const pairs = people.map(({ participant_id: id, is_retired: isRetired }) => [
    id,
    names.participant(id) + (isRetired ? " (retired)" : ""),
  ]);
  return field("Person", select([...before, ...pairs]));
}
