import { el, icon } from "./dom.js";

/** Ways to get others here: the link on the clipboard, or a second tab. */
export function sharing(notify) {
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
    el(
      "a",
      {
        class: "button quiet",
        href: location.href,
        target: "_blank",
        rel: "opener", // such a tab begins with what this one has stored: its token
        "aria-label": "Second tab",
      },
      icon("open"),
      el("span", {}, "Second tab"),
    ),
  ];
  return { elements, copyLink };
}

/** The clipboard is there in secure contexts only; elsewhere the link itself is shown. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Into full screen or out of it. */
export function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}
