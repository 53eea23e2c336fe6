import { openDialogWith } from "./dialog.js";
import { el, setText } from "./dom.js";
import { field, textInput } from "./field.js";

const GAMES = {
  chess: "Chess",
  go: "Go",
  shogi: "Shogi",
  scrabble: "Scrabble",
  poker: "Poker",
  cards: "Card games",
};
const LOADING = "Loading …";
const UNREACHABLE = "The list can’t be read. Close this window and open it again.";
const NO_MATCH = "No time control has these words. Try other words, such as “blitz”.";

/**
 * Let the user choose one of the named time controls that `read()` returns. `onChoose` is called
 * with the chosen one.
 */
export async function chooseTimeControl(read, onChoose) {
  const search = field(
    "Search",
    textInput({ type: "search", placeholder: "blitz, delay, 5 minutes …", oninput: show }),
    { isCompact: true },
  );
  const list = el("div", { class: "control-list" });
  const note = el("p", {}, LOADING);
  const body = [search.element, note, list];
  const dialog = openDialogWith("Choose a time control", body, null, () => chooseFirst());
  let rows = [];

  try {
    rows = rowsOf(await read(), (preset) => (dialog.close(), onChoose(preset)));
    list.append(...groupsOf(rows));
    show();
  } catch {
    setText(note, UNREACHABLE);
  }

  function show() {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const { button, text } of rows) {
      button.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of list.children) {
      group.hidden = !group.querySelector("button:not([hidden])");
    }
    setText(note, matches().length ? "" : NO_MATCH);
  }

  function matches() {
    return rows.filter(({ button }) => !button.hidden);
  }

  function chooseFirst() {
    matches()[0]?.button.click();
    return false;
  }
}

function rowsOf(presets, onChoose) {
  return presets.map((preset) => ({
    game: preset.game,
    text: `${gameName(preset.game)} ${preset.title} ${preset.name}`.toLowerCase(),
    button: el(
      "button",
      { type: "button", class: "control-row", onclick: () => onChoose(preset) },
      ...titleParts(preset.title),
    ),
  }));
}

function groupsOf(rows) {
  return [...new Set(rows.map(({ game }) => game))].map((game) =>
    el(
      "section",
      {},
      el("h3", {}, gameName(game)),
      ...rows.filter((row) => row.game === game).map(({ button }) => button),
    ),
  );
}

function gameName(game) {
  return GAMES[game] ?? game;
}

/** A title with the words before its first comma in bold. */
export function titleParts(title) {
  const [kind, ...rest] = title.split(",");
  return [el("strong", {}, kind), rest.length ? el("span", {}, `,${rest.join(",")}`) : ""];
}
