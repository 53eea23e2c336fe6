import { mayCreate } from "./allowed.js";
import { el } from "./dom.js";

/**
 * Show a page with a message instead of a session. Users who may create sessions also get `actions`
 * and a link to the form.
 */
export function messagePage(page, title, words, ...actions) {
  const links = mayCreate() ? [...actions, newSession(actions.length > 0)] : [];
  page.main.replaceChildren(
    el(
      "section",
      { class: "message-page" },
      el("h1", {}, title),
      el("p", {}, words),
      el("p", { class: "message-page-actions" }, ...links),
    ),
  );
  return () => {};
}

function newSession(isSecond) {
  return el("a", { class: isSecond ? "button" : "button primary", href: "/" }, "New session");
}
