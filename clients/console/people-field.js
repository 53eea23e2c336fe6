import { newId } from "/clients/js/synckairos.js";
import { el } from "./dom.js";
import { select, field, textInput } from "./field.js";
import { TEAMS } from "./modes.js";
import { openPeopleList } from "./people-list-dialog.js";
import { rowList } from "./row-list.js";
import { timeField } from "./time-field.js";
import { wordsFor } from "./words.js";

const TEAM_CHOICES = TEAMS.map((name, position) => [String(position), name]);

/** The participants, one row each, with their own time or team if the mode uses it. */
export function peopleField() {
  let uses = { own: false, teams: false, extra: false };
  let person = wordsFor().person;
  let usualTime = "";

  const list = rowList("Add a person", (position, name = "", team = position % 2) => {
    const row = makeRow(`${person} ${position + 1}`, name, team, usualTime);
    row.showFields(uses);
    return row;
  });
  const { rows, add } = list;
  const paste = el(
    "button",
    { type: "button", class: "quiet", "aria-haspopup": "dialog" },
    "Paste a list …",
  );
  paste.addEventListener("click", () => openPeopleList(uses.extra, addAll));

  /** Add rows for all, after the rows that have a name. */
  function addAll(people) {
    list.keep((row) => row.name.value.trim());
    for (const { name, extra } of people) add(name).extra.value = extra;
  }

  return {
    element: el(
      "fieldset",
      { class: "people" },
      el("legend", {}, "Participants"),
      list.element,
      list.adder,
      paste,
    ),
    rows,
    /** Replace all rows by a preset's participants. */
    fill(preset) {
      ({ person } = wordsFor(preset.purpose));
      usualTime = preset.time ?? "";
      list.keep(() => false);
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

function makeRow(placeholder, givenName, givenTeam, usualTime) {
  const name = field("Name", textInput({ value: givenName, maxLength: 60, placeholder }), {
    isCompact: true,
  });
  const time = timeField("Own time", { placeholder: "same time", isCompact: true });
  time.measureIn(usualTime);
  const team = field("Team", select(TEAM_CHOICES), {
    isCompact: true,
  });
  team.value = String(givenTeam);
  const more = textInput({ class: "time", placeholder: "+10, 25%" });
  const extra = field("Extra time", more, { isCompact: true });
  return {
    id: newId(),
    name,
    time,
    team,
    extra,
    fields: [name, time, team, extra],
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
