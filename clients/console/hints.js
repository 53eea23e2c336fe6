import { el } from "./dom.js";
import { hasMainButton } from "./keyboard.js";

/** Keys, what they do, and when: see `allowedIn`. */
const HINTS = [
  [
    "Space",
    "next",
    (allowed) => (allowed.start || allowed.switch || allowed.resume) && hasMainButton(),
  ],
  ["P", "pause", (allowed) => allowed.pause || allowed.resume],
  ["U", "undo", (allowed) => allowed.undo],
  ["1–9", "choose", (allowed) => allowed.switch],
  ["F", "full screen", () => true],
];

/** The keys that the user can use now. */
export function keyHints() {
  const hints = HINTS.map(([key, does, isUsable]) => ({
    element: el("span", {}, el("kbd", {}, key), does),
    isUsable,
  }));
  const element = el("p", { class: "hints" }, ...hints.map((hint) => hint.element));

  function update(allowed) {
    for (const hint of hints) hint.element.hidden = !hint.isUsable(allowed);
  }

  return { element, update };
}
