import { setText } from "./dom.js";

const SHOWN_MS = 4000;
let hiding = 0;

/** A short message for everybody. */
export function notify(words) {
  const toast = document.getElementById("toast");
  clearTimeout(hiding);
  setText(toast, words);
  toast.dataset.shown = "";
  hiding = setTimeout(() => delete toast.dataset.shown, SHOWN_MS);
}

/** A sentence for screen readers alone. */
export function announce(words) {
  if (words) setText(document.getElementById("announcer"), words);
}
