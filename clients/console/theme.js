import { store, stored } from "./storage.js";

/** Dark or light colours: the system's choice until the user makes another. */
const KEY = "synckairos.theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

apply(stored("localStorage", KEY));

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
  return chosen ? chosen === "dark" : prefersDark.matches;
}

function apply(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}
