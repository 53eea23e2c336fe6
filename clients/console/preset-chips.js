import { el } from "./dom.js";

/** The presets of a mode as buttons, one of them pressed; `onChoose` is called with a preset. */
export function presetChips(onChoose) {
  const element = el("div", { class: "chips", role: "group", "aria-label": "Presets" });

  const chip = (preset, position) =>
    el(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": String(position === 0),
        onclick: ({ currentTarget }) => {
          for (const other of element.children) {
            other.setAttribute("aria-pressed", String(other === currentTarget));
          }
          onChoose(preset);
        },
      },
      preset.title,
    );

  return {
    element,
    show: (presets) => element.replaceChildren(...presets.map(chip)),
  };
}
