import { el, setFlag } from "./dom.js";

/** More steps than this don't fit. */
const MOST = 60;

/** A row of marks, one for each step; screen readers hear the clock's title instead. */
export function stepBar() {
  const element = el("div", { class: "steps", "aria-hidden": "true" });

  function update({ number, total }) {
    element.hidden = !total || total > MOST;
    if (element.hidden) return;
    while (element.children.length > total) element.lastChild.remove();
    while (element.children.length < total) element.append(el("span", { class: "step" }));
    [...element.children].forEach((mark, position) => {
      setFlag(mark, "done", position + 1 < number);
      setFlag(mark, "current", position + 1 === number);
    });
  }

  return { element, update };
}
