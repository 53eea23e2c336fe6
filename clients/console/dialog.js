import { el, setText } from "./dom.js";

/**
 * Open a dialog. On submit it closes if `onSubmit` returns true, or a promise of it; a string is
 * shown as an error. Without a `verb` there is no button to submit with.
 *
 * @param {string} title
 * @param {Node[]} body
 * @param {?string} verb
 * @param {() => boolean|string|Promise<boolean|string>} onSubmit
 * @returns {HTMLDialogElement}
 */
export function openDialogWith(title, body, verb, onSubmit) {
  const problem = el("p", { class: "form-error", role: "alert" });
  const button = verb && el("button", { type: "submit", class: "primary" }, verb);
  let isBusy = false;

  async function submit(event) {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    setText(problem, "");
    const result = await onSubmit();
    isBusy = false;
    if (result === true) dialog.close();
    else setText(problem, result || "");
  }

  const dialog = el(
    "dialog",
    { "aria-labelledby": "dialog-title", onclose: () => dialog.remove() },
    el(
      "form",
      { onsubmit: submit, noValidate: true },
      el("h2", { id: "dialog-title" }, title),
      ...body,
      problem,
      el(
        "div",
        { class: "dialog-actions" },
        el("button", { type: "button", onclick: () => dialog.close() }, verb ? "Not now" : "Close"),
        button,
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
