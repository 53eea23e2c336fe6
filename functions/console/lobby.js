import { deadEnd } from "./dead-end.js";
import { el } from "./dom.js";
import { problemInWords, refusalInWords } from "./wording.js";

/** What there is to see of a session of which there is nothing to see. */
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
      return deadEnd(
        page,
        "This session was deleted",
        "Somebody who follows it removed it for everybody.",
      );
    default:
      return deadEnd(
        page,
        "Nothing here yet",
        "This page comes alive the moment the session is created. Leave it open.",
        el("a", { class: "button primary", href: `/?create=${session.id}` }, "Create it here"),
      );
  }
}
