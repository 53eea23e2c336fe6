import { el } from "./dom.js";
import { stepText } from "./run-steps.js";

/** The menu with the further steps of one run. All rows of a list share it. */
export function runMenu(onStep) {
  const element = el("div", { class: "menu run-menu", popover: "auto" });

  /** Open the menu with these steps of the run called `label` below `button`. */
  function open(button, { others: steps, state, run, label }) {
    element.replaceChildren(
      ...steps.map((step) =>
        el(
          "button",
          {
            type: "button",
            class: step === "remove" ? "danger" : "",
            onclick: () => (element.hidePopover(), onStep(step, run.participant_id)),
            "aria-label": `${stepText(step, state, run)}: ${label}`,
          },
          stepText(step, state, run),
        ),
      ),
    );
    element.showPopover();
    place(element, button.getBoundingClientRect());
    element.querySelector("button").focus();
  }

  return { element, open };
}

/** Below a box, or above it where there is no room. */
function place({ style, offsetWidth: width, offsetHeight: height }, box) {
  const top = box.bottom + 4;
  style.left = `${Math.max(8, Math.min(box.right, innerWidth - 8) - width)}px`;
  style.top = `${top + height > innerHeight ? Math.max(8, box.top - 4 - height) : top}px`;
}
