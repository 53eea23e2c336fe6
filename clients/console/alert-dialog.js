import { ALERTS, isAlertOn, switchAlert } from "./alert-settings.js";
import { openDialogWith } from "./dialog.js";
import { el } from "./dom.js";
import { field } from "./field.js";
import { playTone } from "./tone.js";

const IS_USABLE = { vibration: "vibrate" in navigator, awake: "wakeLock" in navigator };

/** Let the user choose how this browser shows that time becomes short. Each choice applies at once. */
export function openAlerts() {
  const names = Object.keys(ALERTS).filter((name) => IS_USABLE[name] ?? true);
  const words = el("p", {}, "How this browser tells you that time becomes short or is up.");
  openDialogWith("Alerts", [words, ...names.map(toggle)], null, () => true);
}

function toggle(name) {
  const [title] = ALERTS[name];
  const box = el("input", { type: "checkbox", checked: isAlertOn(name) });
  box.addEventListener("change", () => {
    switchAlert(name, box.checked);
    if (name === "sound" && box.checked) playTone("warning"); // so that the user hears it once
  });
  const { element } = field(title, box);
  element.classList.add("check");
  return element;
}
