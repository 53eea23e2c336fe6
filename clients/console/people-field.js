import { newId } from "/clients/js/synckairos.js";
import { el, icon } from "./dom.js";
import { select, field, textInput } from "./field.js";
import { TEAMS } from "./modes.js";
import { openPeopleList } from "./people-list-dialog.js";
import { wordsFor } from "./words.js";

const TEAM_CHOICES = TEAMS.map((name, position) => [String(position), name]);

/** The participants, one row each, with their own time or team if the mode uses it. */
export function peopleField() {
  const list = el("ol", { class: "people-list" });
  const rows = [];
  let uses = { own: false, teams: false, extra: false };
  let person = wordsFor().person;

  const add = (name = "", team = rows.length % 2) => {
    const row = makeRow(`${person} ${rows.length + 1}`, name, team, () => remove(row));
    rows.push(row);
    list.append(row.element);
    row.showFields(uses);
    return row;
  };
  const remove = (row) => {
    rows.splice(rows.indexOf(row), 1);
    row.element.remove();
    adder.focus();
  };
  const adder = el(
    "button",
    { type: "button", class: "quiet", onclick: () => add().name.control.focus() },
    "Add a person",
  );
  const paste = el(
    "button",
    { type: "button", class: "quiet", "aria-haspopup": "dialog" },
    "Paste a list …",
  );
  paste.addEventListener("click", () => openPeopleList(uses.extra, addAll));

  /** Add rows for all, after the rows that have a name. */
  function addAll(people) {
    const named = rows.filter((row) => row.name.value.trim());
    for (const row of rows) if (!named.includes(row)) row.element.remove();
    rows.splice(0, rows.length, ...named);
    for (const { name, extra } of people) add(name).extra.value = extra;
  }

  return {
    element: el(
      "fieldset",
      { class: "people" },
      el("legend", {}, "Participants"),
      list,
      adder,
      paste,
    ),
    rows,
    /** Replace all rows by a preset's participants. */
    fill(preset) {
      ({ person } = wordsFor(preset.purpose));
      rows.length = 0;
      list.replaceChildren();
      preset.names.forEach((name, position) => add(name, preset.teams?.[position]));
    },
    /** Show the fields that the mode uses. */
    showFieldsOf({ fields }) {
      const [own, teams, extra] = ["own", "teams", "extra"].map((name) => fields.includes(name));
      uses = { own, teams, extra };
      rows.forEach((row) => row.showFields(uses));
    },
  };
}

function makeRow(placeholder, givenName, givenTeam, onRemove) {
  const name = field("Name", textInput({ value: givenName, maxLength: 60, placeholder }), {
    isCompact: true,
  });
  const time = field("Own time", textInput({ class: "time", placeholder: "same time" }), {
    isCompact: true,
  });
  const team = field("Team", select(TEAM_CHOICES), {
    isCompact: true,
  });
  team.value = String(givenTeam);
  const more = textInput({ class: "time", placeholder: "+10 or 25%" });
  const extra = field("Extra time", more, { isCompact: true });
  const remover = el(
    "button",
    { type: "button", class: "quiet icon-only", onclick: onRemove, "aria-label": "Remove" },
    icon("remove"),
  );
  return {
    id: newId(),
    name,
    time,
    team,
    extra,
    element: el("li", {}, name.element, time.element, team.element, extra.element, remover),
    get label() {
      return name.value.trim() || placeholder;
    },
    showFields({ own, teams, extra: hasExtra }) {
      extra.show(hasExtra);
      time.show(own);
      team.show(teams);
    },
  };
}
