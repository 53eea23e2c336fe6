import { clockWidth, widthSetter } from "./clock-width.js";
import { el, setText } from "./dom.js";

/**
 * @typedef {object} BigClockView
 * @property {string} label
 * @property {string} text the time; a part after a dot is drawn smaller
 * @property {string} note a warning, which screen readers say at once
 * @property {string} detail
 * @property {"calm"|"running"|"low"|"over"} tone
 * @property {number} [untilChange] ms until the text changes; left out if it stands
 */

/** One large clock for a room, with a label above it and a warning below. */
export function bigClock() {
  const label = el("p", { class: "big-label" });
  const whole = el("span");
  const tenths = el("span", { class: "big-tenths" });
  const time = el("div", { class: "big-time", role: "timer" }, whole, tenths);
  const note = el("p", { class: "big-note", role: "alert" });
  const detail = el("p", { class: "big-detail" });
  const element = el("section", { class: "big-clock", "aria-label": "Clock" });
  element.append(label, el("div", { class: "big-middle" }, time), note, detail);
  const setWidth = widthSetter(element);

  /**
   * @param {BigClockView} view
   * @returns {number} ms until the text changes
   */
  function draw(view) {
    const [shown, tenth = ""] = view.text.split(".");
    setText(whole, shown);
    setText(tenths, tenth && `.${tenth}`);
    setText(label, view.label);
    if (time.ariaLabel !== view.label) time.ariaLabel = view.label;
    setText(note, view.note);
    setText(detail, view.detail);
    if (element.dataset.tone !== view.tone) element.dataset.tone = view.tone;
    setWidth(clockWidth(shown, tenth && ".0"));
    return view.untilChange ?? Infinity;
  }

  return { element, draw };
}
