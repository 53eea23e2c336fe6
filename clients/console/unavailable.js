import { messagePage } from "./message-page.js";
import { el } from "./dom.js";
import { problemText, refusalText } from "./error-texts.js";

/** Show a message in place of a session that can't be shown. */
export function showUnavailable(page, session) {
  page.title.replaceChildren();
  document.body.removeAttribute("data-status");
  switch (session.existence) {
    case "unknown":
      if (session.problem) return messagePage(page, ...problemText(session.problem));
      return messagePage(page, "One moment", "Looking for the session.");
    case "refused":
      return messagePage(page, ...refusalText(session.refusal));
    case "deleted":
      return messagePage(page, "This session was deleted", "Someone deleted it for everyone.");
    default:
      return messagePage(
        page,
        "Nothing here yet",
        "The session appears here as soon as it is created. Keep this page open.",
        el("a", { class: "button primary", href: `/?create=${session.id}` }, "Create it here"),
      );
  }
}
