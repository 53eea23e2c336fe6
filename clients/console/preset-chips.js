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
          press(currentTarget);
          onChoose(preset);
        },
      },
      preset.title,
    );

  /** Show one button as pressed, or none. */
  function press(pressed) {
    for (const button of element.children) {
      button.setAttribute("aria-pressed", String(button === pressed));
    }
  }

  return {
    element,
    press,
    /** Show the presets, and after them other buttons. */
    show: (presets, ...others) => element.replaceChildren(...presets.map(chip), ...others),
  };
}
