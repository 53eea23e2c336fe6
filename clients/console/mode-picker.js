import { el } from "./dom.js";
import { MODES } from "./modes.js";

/** The five modes as radio buttons; `onPick` is called with an entry of `MODES`. */
export function modePicker(onPick) {
  return el(
    "fieldset",
    { class: "modes" },
    el("legend", {}, "How should time run?"),
    ...MODES.map((mode, position) => option(mode, position === 0, onPick)),
  );
}

function option(mode, isFirst, onPick) {
  const input = el("input", {
    type: "radio",
    name: "mode",
    value: mode.mode,
    checked: isFirst,
    onchange: () => onPick(mode),
  });
  return el(
    "label",
    { class: "mode" },
    input,
    el("span", { class: "mode-name" }, mode.name, el("code", {}, mode.mode)),
    el("span", { class: "mode-sentence" }, mode.sentence),
  );
}
