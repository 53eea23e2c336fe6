import { store, stored } from "./storage.js";

/**
 * Dark or light colours: those of the address (`theme=dark`), else the user's choice, else the
 * system's. With `theme=transparent` the page has no background, for a video or a page behind it.
 */
const KEY = "synckairos.theme";
const THEMES = ["light", "dark", "transparent"];
const wanted = new URLSearchParams(location.search).get("theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

apply(THEMES.includes(wanted) ? wanted : stored("localStorage", KEY));

/** Make `button` switch the colours, and label it accordingly. */
export function bindToggle(button) {
  const describe = () => {
    const other = isDark() ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to ${other} colours`);
    button.title = `Switch to ${other} colours`;
  };
  button.addEventListener("click", () => {
    const chosen = isDark() ? "light" : "dark";
    store("localStorage", KEY, chosen);
    apply(chosen);
    describe();
  });
  prefersDark.addEventListener("change", describe);
  describe();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen !== "light" : prefersDark.matches;
}

function apply(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}
