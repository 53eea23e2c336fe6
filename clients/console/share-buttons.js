import { el, icon } from "./dom.js";

/** Buttons to copy the session's link, and to open it in a second tab or as a display for a room. */
export function shareButtons(notify) {
  const copyLink = async () => {
    const isCopied = await copied(location.href);
    notify(isCopied ? "Link copied." : location.href);
  };
  const elements = [
    el(
      "button",
      { type: "button", class: "quiet", onclick: copyLink, "aria-label": "Copy link" },
      icon("copy"),
      el("span", {}, "Copy link"),
    ),
    tabLink("Second tab", "open", location.href),
    tabLink("Projector", "display", `${location.href}&view=display`),
  ];
  return { elements, copyLink };
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

/** Copy text; return false where it isn't possible, e.g. without HTTPS. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Switch full screen on or off. */
export function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}
