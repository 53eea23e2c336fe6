import { deadEnd } from "./dead-end.js";
import { el } from "./dom.js";
import { problemInWords, refusalInWords } from "./wording.js";

/** Show a message in place of a session that can't be shown. */
export function showLobby(page, session) {
  page.title.replaceChildren();
  document.body.removeAttribute("data-status");
  switch (session.presence) {
    case "unknown":
      if (session.problem) return deadEnd(page, ...problemInWords(session.problem));
      return deadEnd(page, "One moment", "Looking for the session.");
    case "refused":
      return deadEnd(page, ...refusalInWords(session.refusal));
    case "deleted":
      return deadEnd(page, "This session was deleted", "Someone deleted it for everyone.");
    default:
      return deadEnd(
        page,
        "Nothing here yet",
        "The session appears here as soon as it is created. Keep this page open.",
        el("a", { class: "button primary", href: `/?create=${session.id}` }, "Create it here"),
      );
  }
}
