import { clockWidth, widthSetter } from "./clock-width.js";
import { el, setFlag, setText } from "./dom.js";
import { countdown, untilChange } from "./format.js";

/**
 * The one clock that all share, large and without buttons.
 *
 * @typedef {object} SharedClock
 * @property {HTMLElement} element
 * @property {(shown: {title: string, status: string}) => void} update
 * @property {(shown: {ms: number, isLow: boolean, isOver: boolean, note: string, below: string,
 *   detail: string}) => number} draw `note` is beside the title, `below` under the time, and `detail`
 *   at the bottom; returns the ms until the time's text changes
 *
 * @returns {SharedClock}
 */
export function sharedClock() {
  const title = el("h2", { class: "face-name", dir: "auto" });
  const note = el("span", { class: "face-note" });
  const whole = el("span", { class: "face-whole" });
  const tenths = el("span", { class: "face-tenths" });
  const time = el("div", { class: "face-time", role: "timer" }, whole, tenths);
  const below = el("span", { class: "face-overtime" });
  const detail = el("span", { class: "face-detail" });
  const element = el(
    "section",
    { class: "face shared-clock", data: { active: "" } },
    el("header", { class: "face-head" }, title, note),
    el("div", { class: "face-middle" }, time, below),
    el("footer", { class: "face-foot" }, detail),
  );
  const setWidth = widthSetter(element);
  let drawnMs = 0;

  function update(shown) {
    setText(title, shown.title);
    time.setAttribute("aria-label", shown.title);
    element.dataset.status = shown.status;
  }

  function draw(shown) {
    const [seconds, tenth] = countdown(shown.ms).split(".");
    setText(whole, seconds);
    setText(tenths, tenth ? `.${tenth}` : "");
    time.dataset.remaining = shown.ms.toFixed(1);
    setFlag(element, "fallen", shown.isOver);
    setFlag(element, "low", shown.isLow && !shown.isOver);
    setText(note, shown.note);
    setText(below, shown.below);
    setText(detail, shown.detail);
    setWidth(clockWidth(seconds, tenths.textContent));
    const change = Math.sign(shown.ms - drawnMs);
    drawnMs = shown.ms;
    return untilChange(shown.ms, change, tenth ? 100 : 1000);
  }

  return { element, update, draw };
}
