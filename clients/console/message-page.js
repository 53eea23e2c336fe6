import { el } from "./dom.js";

/** Show a page with a message and links instead of a session. */
export function messagePage(page, title, words, ...actions) {
  page.main.replaceChildren(
    el(
      "section",
      { class: "message-page" },
      el("h1", {}, title),
      el("p", {}, words),
      el("p", { class: "message-page-actions" }, ...actions, newSession(actions.length > 0)),
    ),
  );
  return () => {};
}

function newSession(isSecond) {
  return el("a", { class: isSecond ? "button" : "button primary", href: "/" }, "New session");
}
