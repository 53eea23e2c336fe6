import { newId } from "/clients/js/synckairos.js";
import { el, icon } from "./dom.js";
import { select, field, textInput } from "./field.js";
import { TEAMS } from "./modes.js";

const TEAM_CHOICES = TEAMS.map((name, position) => [String(position), name]);

/** The participants, one row each, with their own time or team if the mode uses it. */
export function peopleField() {
  const list = el("ol", { class: "people-list" });
  const rows = [];
  let uses = { own: false, teams: false };

  const add = (name = "", team = rows.length % 2) => {
    const row = makeRow(rows.length, name, team, () => remove(row));
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

  return {
    element: el("fieldset", { class: "people" }, el("legend", {}, "Participants"), list, adder),
    rows,
    /** Replace all rows by a preset's participants. */
    fill(preset) {
      rows.length = 0;
      list.replaceChildren();
      preset.names.forEach((name, position) => add(name, preset.teams?.[position]));
    },
    /** Show the fields that the mode uses. */
    showFieldsOf({ fields }) {
      uses = { own: fields.includes("own"), teams: fields.includes("teams") };
      rows.forEach((row) => row.showFields(uses));
    },
  };
}

function makeRow(position, givenName, givenTeam, onRemove) {
  const placeholder = `Person ${position + 1}`;
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
    element: el("li", {}, name.element, time.element, team.element, remover),
    get label() {
      return name.value.trim() || placeholder;
    },
    showFields({ own, teams }) {
      time.show(own);
      team.show(teams);
    },
  };
}
