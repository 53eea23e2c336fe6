import { el, setText } from "./dom.js";
import { chooseTimeControl, titleParts } from "./time-control-dialog.js";
import { controlText } from "./time-control-texts.js";

/**
 * A button that opens the list of time controls, and the card that explains the chosen one. `read`
 * returns the list, `onChoose` is called with the chosen preset, `onRemove` when the user removes it.
 */
export function timeControlField({ read, onChoose, onRemove }) {
  const title = el("p", { class: "control-title" });
  const text = el("p", { class: "control-text" });
  const problem = el("p", { class: "field-error", role: "alert" });
  const remover = el(
    "button",
    {
      type: "button",
      class: "quiet",
      onclick: () => (choose(null), onRemove()),
      "aria-label": "Remove the time control",
    },
    "Remove",
  );
  const element = el(
    "section",
    { class: "control-card", "aria-label": "Time control", hidden: true },
    el("div", {}, title, text, problem),
    remover,
  );
  const opener = el(
    "button",
    {
      type: "button",
      class: "chip",
      "aria-haspopup": "dialog",
      onclick: () => chooseTimeControl(read, (preset) => (choose(preset), onChoose(preset))),
    },
    "More time controls …",
  );
  let chosen = null;

  function choose(preset) {
    chosen = preset;
    element.hidden = !preset;
    opener.setAttribute("aria-pressed", String(Boolean(preset)));
    showError("");
    if (!preset) return;
    title.replaceChildren(...titleParts(preset.title));
    setText(text, controlText(preset.time_control, { hasBank: preset.total_time_ms > 0 }));
  }

  function showError(words) {
    setText(problem, words);
  }

  return {
    element,
    opener,
    showError,
    clear: () => choose(null),
    /** The chosen control's name; undefined without one. */
    get value() {
      return chosen?.name;
    },
  };
}
