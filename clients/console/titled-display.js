import { el, setText } from "./dom.js";

/** A page under the session's title, for a display, which has no header. */
export function titledDisplay(makePage) {
  return (tools) => {
    const page = makePage(tools);
    const title = el("h1", { class: "room-title", dir: "auto" });
    const element = el("div", { class: "room" }, title, page.element);

    function update(detail, names, allowed) {
      setText(title, names.title);
      page.update(detail, names, allowed);
    }

    return { element, update, draw: page.draw };
  };
}
