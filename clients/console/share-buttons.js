import { openAlerts } from "./alert-dialog.js";
import { mayHost } from "./allowed.js";
import { el, icon } from "./dom.js";
import { openShare } from "./share-dialog.js";

/**
 * The header's buttons: share the session, which hosts can, open it in a second tab or as a display
 * for a room, and choose alerts.
 */
export function sharing(session) {
  const button = el(
    "button",
    { type: "button", class: "quiet", onclick: () => open(), "aria-label": "Share" },
    icon("share"),
    el("span", {}, "Share"),
  );
  const elements = [
    button,
    tabLink("Second tab", "open", location.href),
    tabLink("Projector", "display", `${location.href}&view=display`),
    el(
      "button",
      { type: "button", class: "quiet icon-only", onclick: openAlerts, "aria-label": "Alerts" },
      icon("bell"),
    ),
  ];
  const open = () => !button.hidden && openShare(session);
  const show = (isPresent) => (button.hidden = !isPresent || !mayHost());

  return { elements, open, show };
}

function tabLink(label, image, href) {
  return el(
    "a",
    {
      class: "button quiet",
      href,
      target: "_blank",
      rel: "opener", // the new tab gets a copy of this tab's session storage, and so its token
      "aria-label": label,
    },
    icon(image),
    el("span", {}, label),
  );
}
