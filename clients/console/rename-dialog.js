import { openDialogWith } from "./dialog.js";
import { field, select, textInput } from "./field.js";
import { namesOf } from "./names.js";

/** Ask for a participant's new name. */
export function openRename({ state }, act) {
  const names = namesOf(state);
  const people = state.participants.map(({ participant_id: id }) => [id, names.participant(id)]);
  const person = field("Person", select(people));
  const name = field("New name", textInput({ maxLength: 60 }));
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
