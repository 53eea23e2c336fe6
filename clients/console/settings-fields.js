import { el } from "./dom.js";
import { select, field, textInput } from "./field.js";
import { ACTIONS, BEGINS } from "./modes.js";
import { timeField } from "./time-field.js";

const BY_MODE = [
  ...["time", "cycle", "ceiling", "increment", "begins", "closes", "grace"],
  ...["warnings", "action", "advance"],
];
const TYPED = [
  ...["title", "time", "cycle", "ceiling", "increment", "closes", "grace"],
  ...["play", "warnings"],
];

/** All settings other than participants; each is shown only if the mode uses it. */
export function settingsFields() {
  const fields = {
    title: field("Name of the session", textInput({ maxLength: 80 })),
    time: timeField("Time", { placeholder: "3:00" }),
    cycle: timeField("Time for each turn", { placeholder: "none", hint: "optional" }),
    ceiling: timeField("Stop at", { placeholder: "never", hint: "optional" }),
    increment: timeField("Added per turn", { hint: "seconds", unit: "s" }),
    begins: field("Their clocks begin", select(BEGINS)),
    closes: field("Everybody stops at", textInput({ type: "time", class: "time" }), {
      hint: "optional, time of day",
    }),
    grace: timeField("Time to hand in", { placeholder: "none", hint: "optional, after the end" }),
    warnings: timeField("Warn when this is left", {
      placeholder: "never",
      hint: "up to five, separated by commas",
      isList: true,
    }),
    action: field("When a clock reaches zero", select(ACTIONS)),
    play: field("Move to play", textInput({ placeholder: "fold, pass, skip …" })),
    advance: field(
      "Start the next turn automatically at zero",
      el("input", { type: "checkbox" }),
    ),
  };
  const showPlay = () => fields.play.show(fields.action.value === "auto_action");
  fields.action.control.addEventListener("change", showPlay);
  fields.advance.element.classList.add("check");

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
      fields.time.setLabel(mode.timeLabel);
      fields.cycle.setLabel(mode.cycleLabel ?? "Time for each turn");
      showPlay();
    },
  };
}
