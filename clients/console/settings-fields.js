import { el } from "./dom.js";
import { select, field, textInput } from "./field.js";
import { ACTIONS, BEGINS } from "./modes.js";

const BY_MODE = [
  ...["time", "cycle", "ceiling", "increment", "begins", "closes", "grace"],
  ...["warnings", "action", "advance"],
];
const TYPED = [
  ...["title", "time", "cycle", "ceiling", "increment", "closes", "grace"],
  ...["play", "warnings"],
];
const TIME_HINT = "h:min:s or min:s";

/** All settings other than participants; each is shown only if the mode uses it. */
export function settingsFields() {
  const time = (placeholder) => textInput({ class: "time", placeholder });
  const fields = {
    title: field("Name of the session", textInput({ maxLength: 80 })),
    time: field("Time", time("3:00"), { hint: TIME_HINT }),
    cycle: field("Time per turn or question", time("none"), { hint: "optional" }),
    ceiling: field("Stop at", time("never"), { hint: "optional" }),
    increment: field("Added per turn", textInput({ class: "time", inputMode: "decimal" }), {
      hint: "seconds",
    }),
    begins: field("Their clocks begin", select(BEGINS)),
    closes: field("Everybody stops at", textInput({ type: "time", class: "time" }), {
      hint: "optional, time of day",
    }),
    grace: field("Time to hand in", time("none"), { hint: "optional, after the end" }),
    warnings: field("Warn when this is left", textInput({ placeholder: "never" }), {
      hint: "up to five, separated by commas",
    }),
    action: field("When a clock reaches zero", select(ACTIONS)),
    play: field("Move to play", textInput({ placeholder: "fold, pass, skip …" })),
    advance: field("", el("input", { type: "checkbox" })),
  };
  const showPlay = () => fields.play.show(fields.action.value === "auto_action");
  fields.action.control.addEventListener("change", showPlay);
  fields.advance.element.classList.add("check");
  fields.advance.element.querySelector("label").textContent =
    "Start the next turn automatically at zero";

  return {
    fields,
    fill(preset) {
      for (const name of TYPED) fields[name].value = preset[name] ?? "";
      fields.begins.value = preset.begins ?? "together";
      fields.action.value = preset.action ?? "notify";
      fields.advance.control.checked = false;
      showPlay();
    },
    showFieldsOf(mode) {
      for (const name of BY_MODE) {
        fields[name].show(mode.fields.includes(name));
      }
      fields.time.element.querySelector("label").textContent = mode.timeLabel;
      showPlay();
    },
  };
}
