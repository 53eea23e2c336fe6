import { el, setText } from "./dom.js";
import { runMenu } from "./run-menu.js";
import { runRow } from "./run-row.js";
import { SECTIONS, sectionCounts, sectionOf } from "./runs.js";
import { wordsOf } from "./words.js";

/** Up to so many people are drawn large. */
const FEW = 6;
/** From so many people on, the list has a search field. */
const SEARCHED_FROM = 8;
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/**
 * The participants of an `individual` session, in sections by what they do, with a search by name.
 * Rows are kept across states.
 *
 * @param {{onStep: Function, sections?: string[], hints?: Object<string, string>}} options
 *   `sections`: those to show; `hints`: a sentence for hosts beside the title of a section
 */
export function runList({ onStep, sections = SECTIONS, hints = {} }) {
  const menu = runMenu(onStep);
  const handlers = { onStep, onMore: menu.open };
  const search = el("input", {
    type: "search",
    class: "run-search",
    autocomplete: "off",
    spellcheck: false,
    "aria-label": "Search by name",
    placeholder: "Search by name",
    oninput: () => filter(),
  });
  const chips = new Map(sections.map((section) => [section, sectionChip(section)]));
  const tools = el(
    "div",
    { class: "run-tools" },
    search,
    el(
      "div",
      { class: "run-chips", role: "group", "aria-label": "Show only" },
      ...[...chips.values()].map((chip) => chip.element),
    ),
  );
  const nobody = el("p", { class: "run-nobody", role: "status" });
  const lists = new Map(sections.map((section) => [section, sectionList(section)]));
  const element = el(
    "div",
    { class: "runs" },
    tools,
    nobody,
    ...[...lists.values()].map((list) => list.element),
    menu.element,
  );
  const rows = new Map();
  let only = null;

  function sectionChip(section) {
    const words = el("span");
    const number = el("span", { class: "run-count" });
    const onclick = () => {
      only = only === section ? null : section;
      filter();
    };
    const button = el(
      "button",
      { type: "button", class: "chip", "aria-pressed": "false", onclick },
      words,
      number,
    );
    button.dataset.section = section;
    return { element: button, words, number };
  }

  function update(state, names, allowed) {
    const { states } = wordsOf(state);
    const counts = sectionCounts(state);
    const words = { ...states, done: "Done" };
    element.dataset.size = state.participants.length <= FEW ? "few" : "many";
    const listed = sections.reduce((sum, section) => sum + counts[section], 0);
    element.hidden = listed === 0;
    tools.hidden = listed < SEARCHED_FROM;
    if (tools.hidden) [search.value, only] = ["", null];
    removeMissing(state);
    for (const section of sections) {
      const chip = chips.get(section);
      setText(chip.words, words[section]);
      setText(chip.number, String(counts[section]));
      chip.element.hidden = counts[section] === 0 && only !== section;
      lists.get(section).show(words[section], rowsOf(section, state, names, allowed));
      if (hints[section]) lists.get(section).hint(allowed.manage ? hints[section] : "");
    }
    filter();
  }

  function removeMissing({ participants }) {
    const listed = participants.filter((run) => sections.includes(sectionOf(run)));
    const present = new Set(listed.map((run) => run.participant_id));
    for (const [id, { element: gone }] of rows) {
      if (present.has(id)) continue;
      gone.remove();
      rows.delete(id);
    }
  }

  /** The updated rows of a section, by name. */
  function rowsOf(section, state, names, allowed) {
    const named = state.participants
      .filter((run) => sectionOf(run) === section)
      .map((run) => ({ run, label: names.participant(run.participant_id) }))
      .sort((one, other) => collator.compare(one.label, other.label));
    return named.map(({ run, label }) => {
      const id = run.participant_id;
      if (!rows.has(id)) rows.set(id, runRow(handlers));
      const row = rows.get(id);
      row.update(state, run, label, allowed);
      row.label = label.toLocaleLowerCase();
      row.section = section;
      return row;
    });
  }

  /** Show the rows that match the search and the chosen section. */
  function filter() {
    const typed = search.value.trim().toLocaleLowerCase();
    const seen = new Set();
    for (const row of rows.values()) {
      const isShown = (!only || row.section === only) && row.label.includes(typed);
      row.element.hidden = !isShown;
      if (isShown) seen.add(row.section);
    }
    for (const [section, list] of lists) list.element.hidden = !seen.has(section);
    for (const [section, { element: chip }] of chips) {
      chip.setAttribute("aria-pressed", String(section === only));
    }
    setText(nobody, !seen.size && (typed || only) ? "Nobody here matches." : "");
  }

  function draw(at) {
    for (const row of rows.values()) if (!row.element.hidden) row.draw(at);
  }

  return { element, update, draw };
}

function sectionList(section) {
  const title = el("h2", { id: `runs-${section}` });
  const number = el("span", { class: "run-count" });
  const list = el("ul", { class: "run-list", "aria-labelledby": title.id });
  const element = el("section", { class: "run-section", data: { section } });
  const hint = el("span", { class: "run-count" });
  element.append(el("div", { class: "run-heading" }, title, number, hint), list);

  function show(words, rows) {
    setText(title, words);
    setText(number, String(rows.length));
    rows.forEach((row, position) => {
      const present = list.children[position];
      if (present !== row.element) list.insertBefore(row.element, present ?? null);
    });
  }

  return { element, show, hint: (words) => setText(hint, words) };
}
