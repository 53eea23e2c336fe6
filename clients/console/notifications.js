import { setText } from "./dom.js";

const SHOWN_MS = 4000;
let hiding = 0;

/** Show a short message for 4 s. */
export function notify(words) {
  const toast = document.getElementById("toast");
  clearTimeout(hiding);
  setText(toast, words);
  toast.dataset.shown = "";
  hiding = setTimeout(() => delete toast.dataset.shown, SHOWN_MS);
}

/** Say a sentence to screen readers only. */
export function announce(words) {
  if (words) setText(document.getElementById("announcer"), words);
}
