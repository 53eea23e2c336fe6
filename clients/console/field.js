import { el, setText } from "./dom.js";

let count = 0;

/**
 * A labelled control with a hint and an error message.
 *
 * @param {string} label
 * @param {HTMLElement} control an input or a select
 * @param {{hint?: string, isCompact?: boolean}} [options] hint: shown below, may be changed;
 *   compact: label for screen readers only
 */
export function field(label, control, { hint, isCompact = false } = {}) {
  const id = `field-${++count}`;
  const problem = el("span", { class: "field-error", id: `${id}-error` });
  control.id = id;
  const below = el("span", { class: "field-hint", id: `${id}-hint` }, hint ?? "");
  control.setAttribute("aria-describedby", `${id}-error ${id}-hint`);
  control.addEventListener("input", () => showError(""));
  const name = el("label", { for: id, class: isCompact ? "unseen" : "" }, label);
  const element = el(
    "div",
    { class: "field" },
    name,
    control,
    below,
    problem,
  );

  function showError(words) {
    setText(problem, words);
    if (words) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }

  return {
    element,
    control,
    showError,
    setLabel: (words) => setText(name, words),
    /** Add to the label to which row of a list the field belongs, such as "participant Ada". */
    setRow: (row) => setText(name, `${label}: ${row}`),
    setHint: (words) => setText(below, words),
    show: (isShown) => (element.hidden = !isShown),
    get value() {
      return element.hidden ? "" : control.value;
    },
    set value(text) {
      control.value = text ?? "";
      showError("");
    },
  };
}

/** A one-line text input. */
export function textInput(properties = {}) {
  return el("input", { type: "text", autocomplete: "off", spellcheck: false, ...properties });
}

/** A select with `[value, text]` pairs as options. */
export function select(pairs, properties = {}) {
  return el("select", properties, ...pairs.map(([value, words]) => el("option", { value }, words)));
}
