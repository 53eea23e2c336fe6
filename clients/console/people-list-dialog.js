import { NOT_AN_ALLOWANCE, parseAllowance } from "./allowance.js";
import { openDialogWith } from "./dialog.js";
import { el } from "./dom.js";
import { field } from "./field.js";

const MOST = 1000;

/**
 * Ask for a list of people, one per line; with `hasExtra` each may have an extra time after a
 * semicolon or a tab. `onAdd` is called with `{name, extra}` of each.
 */
export function openPeopleList(hasExtra, onAdd) {
  const placeholder = hasExtra ? "Ada Lovelace\nBen Okri; 25%\nCleo Sand; 10" : "Ada\nBen";
  const input = el("textarea", { rows: 9, spellcheck: false, placeholder });
  const list = field("One name per line", input, {
    hint: hasExtra && "Extra time after a semicolon: minutes, or a share such as 25%",
  });
  openDialogWith("Paste a list", [list.element], "Add", () => {
    const people = peopleIn(list.value, hasExtra);
    const problem = problemOf(people);
    if (problem) return list.showError(problem), input.focus(), false;
    onAdd(people);
    return true;
  });
  input.focus();
}

function peopleIn(text, hasExtra) {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean).map((line) => {
    const [name, extra = ""] = hasExtra ? line.split(/[;\t]/) : [line];
    return { name: name.trim().slice(0, 60), extra: extra.trim() };
  });
}

function problemOf(people) {
  if (!people.length) return "Enter a name";
  if (people.length > MOST) return `At most ${MOST} people can take part`;
  const wrong = people.find(({ extra }) => !parseAllowance(extra));
  return wrong && `${wrong.name}: ${NOT_AN_ALLOWANCE}`;
}
