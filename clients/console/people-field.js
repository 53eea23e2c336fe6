import { newId } from "/clients/js/synckairos.js";
import { el, setText } from "./dom.js";
import { select, field, textInput } from "./field.js";
import { TEAMS } from "./modes.js";
import { openPeopleList } from "./people-list-dialog.js";
import { rowList } from "./row-list.js";
import { timeField } from "./time-field.js";
import { wordsFor } from "./words.js";

const ALSO_LATER = "People can also join later with a code.";
const ONLY_LATER = "Nobody yet: people join later with a code.";
const ONE_NOW = "Add at least one person.";
const ONE_NOW_OTHERS_LATER = `${ONE_NOW} Others can join later with a code.`;
const TEAM_CHOICES = TEAMS.map((name, position) => [String(position), name]);

/** The participants, one row each, with their own time or team if the mode uses it. */
export function peopleField() {
  let uses = { own: false, teams: false, extra: false, mayJoin: false, mayBeEmpty: false };
  let person = wordsFor().person;
  let usualTime = "";

  const list = rowList({ adder: "Add a person", noun: "participant" }, newRow, showHint);
  const { rows, add } = list;
  const hint = el("p", { class: "field-hint", id: "people-hint" });
  const problem = el("p", { class: "field-error", role: "alert" });
  const clear = el(
    "button",
    { type: "button", class: "quiet", "aria-describedby": hint.id },
    "Remove all",
  );
  clear.addEventListener("click", () => {
    list.keep(() => false);
    list.adder.focus();
  });
  const paste = el(
    "button",
    { type: "button", class: "quiet", "aria-haspopup": "dialog" },
    "Paste a list …",
  );
  paste.addEventListener("click", () => openPeopleList(uses.extra, addAll));

  function newRow(position, name = "", team = position % 2) {
    const row = makeRow(person, name, team, usualTime);
    row.showFields(uses);
    return row;
  }

  /** Say who is needed now, and who can join later. */
  function showHint() {
    const isEmpty = rows.length === 0;
    setText(problem, "");
    setText(hint, hintText(isEmpty, uses));
    clear.hidden = isEmpty || !uses.mayBeEmpty;
  }

  /** Add rows for all, after the rows that have a name. */
  function addAll(people) {
    list.keep((row) => row.name.value.trim());
    for (const { name, extra } of people) add(name).extra.value = extra;
  }

  const element = el(
    "fieldset",
    { class: "people" },
    el("legend", {}, "Participants"),
    list.element,
    list.adder,
    paste,
    clear,
    hint,
    problem,
  );

  return {
    element,
    rows,
    showError(words) {
      setText(problem, words);
      list.adder.focus();
    },
    /** Replace all rows by a preset's participants. */
    fill(preset) {
      ({ person } = wordsFor(preset.purpose));
      usualTime = preset.time ?? "";
      list.keep(() => false);
      preset.names.forEach((name, position) => add(name, preset.teams?.[position]));
    },
    /** Show the fields that the mode uses. */
    showFieldsOf({ fields, mayJoin = false, mayBeEmpty = false }) {
      const [own, teams, extra] = ["own", "teams", "extra"].map((name) => fields.includes(name));
      uses = { own, teams, extra, mayJoin, mayBeEmpty };
      rows.forEach((row) => row.showFields(uses));
      showHint();
    },
  };
}

function hintText(isEmpty, { mayJoin, mayBeEmpty }) {
  if (!isEmpty) return mayJoin ? ALSO_LATER : "";
  if (mayBeEmpty) return ONLY_LATER;
  return mayJoin ? ONE_NOW_OTHERS_LATER : ONE_NOW;
}

function makeRow(person, givenName, givenTeam, usualTime) {
  const name = field("Name", textInput({ value: givenName, maxLength: 60 }), {
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
      return name.value.trim() || name.control.placeholder;
    },
    /** Show how the person is called without a name, such as "Candidate 2". */
    place(position) {
      const usual = `${person} ${position + 1}`;
      if (name.control.placeholder !== usual) name.control.placeholder = usual;
    },
    showFields({ own, teams, extra: hasExtra }) {
      extra.show(hasExtra);
      time.show(own);
      team.show(teams);
    },
  };
}
