import { el, setFlag } from "./dom.js";

/**
 * A person's tag: a button that calls `onPick` while the user may begin the person's turn, else
 * plain text. The current person's tag is marked.
 *
 * @param {string} className
 * @param {() => void} onPick
 * @param {...Node} content
 */
export function personTag(className, onPick, ...content) {
  let element = el("span", { class: className }, ...content);

  function update({ mayPick, isCurrent }) {
    if (mayPick !== (element.localName === "button")) {
      const next = mayPick
        ? el("button", { type: "button", class: className, onclick: onPick }, ...content)
        : el("span", { class: className }, ...content);
      element.replaceWith(next);
      element = next;
    }
    setFlag(element, "current", isCurrent);
    if (mayPick) element.setAttribute("aria-pressed", String(isCurrent));
    else element.setAttribute("aria-current", String(isCurrent));
  }

  return { update, element: () => element };
}
