import { openDialogWith } from "./dialog.js";
import { el } from "./dom.js";
import { field, textInput } from "./field.js";
import { turnWords } from "./turn-words.js";

/** Ask in which way to undo the last switch. It applies to the version that the user sees now. */
export function openUndo({ state }, act) {
  const { version } = state;
  const { end } = turnWords(state);
  const reason = field("Reason", textInput({ maxLength: 500 }), { hint: "optional" });
  const ways = el(
    "fieldset",
    { class: "ways" },
    el("legend", { class: "unseen" }, "What happens to the time"),
    ...waysTo(end).map(wayOption),
  );
  openDialogWith(`Undo the last ${end}`, [ways, reason.element], "Undo", () => {
    const { value } = ways.querySelector(":checked");
    return act.undo(value, { reason: reason.value.trim(), ifVersion: version });
  });
}

/** The modes of an undo, each with a title and an explanation. */
function waysTo(end) {
  return [
    [
      "turn_start",
      "The turn starts again",
      `The time of the turn and the time since the ${end} come back.`,
    ],
    [
      "before_switch",
      "The turn goes on, its time stays spent",
      `Only the time since the ${end} comes back.`,
    ],
    [
      "as_if_never",
      `As if the ${end} had not happened`,
      `The turn also pays for the time since the ${end}.`,
    ],
  ];
}

function wayOption([value, title, text], position) {
  return el(
    "label",
    { class: "way" },
    el("input", { type: "radio", name: "way", value, checked: position === 0 }),
    el("span", {}, title),
    el("span", { class: "way-text" }, text),
  );
}
