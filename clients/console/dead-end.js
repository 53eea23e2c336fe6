import { el } from "./dom.js";

/** Show a page with a message and links instead of a session. */
export function deadEnd(page, title, words, ...actions) {
  page.main.replaceChildren(
    el(
      "section",
      { class: "lobby" },
      el("h1", {}, title),
      el("p", {}, words),
      el("p", { class: "lobby-actions" }, ...actions, newSession(actions.length > 0)),
    ),
  );
  return () => {};
}

function newSession(isSecond) {
  return el("a", { class: isSecond ? "button" : "button primary", href: "/" }, "New session");
}
