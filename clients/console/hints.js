import { el } from "./dom.js";
import { hasMainButton } from "./keyboard.js";
import { mainAction } from "./main-action.js";

/** Keys, each with a function that returns what it does now; a false value stands for nothing. */
const HINTS = [
  ["Space", mainWord],
  ["P", (state, allowed) => (allowed.pause || allowed.resume) && "pause"],
  ["U", (state, allowed) => allowed.undo && "undo"],
  ["1–9", (state, allowed) => allowed.switch && "choose"],
  ["F", () => "full screen"],
];

/** The keys that the user can use now. */
export function keyHints() {
  const hints = HINTS.map(([key, wordFor]) => {
    const words = new Text();
    return { element: el("span", {}, el("kbd", {}, key), words), words, wordFor };
  });
  const element = el("p", { class: "hints" }, ...hints.map((hint) => hint.element));

  function update(state, allowed) {
    for (const hint of hints) {
      const word = hint.wordFor(state, allowed);
      hint.element.hidden = !word;
      if (word && hint.words.data !== word) hint.words.data = word;
    }
  }

  return { element, update };
}

/** The names of the main actions are words for them; only a switch isn't called so everywhere. */
function mainWord(state, allowed) {
  const action = hasMainButton() ? mainAction(state, allowed) : null;
  return action === "switch" ? "next" : action;
}
