/** Dark or light: as the system says, until somebody chooses otherwise. */
const KEY = "synckairos.theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

apply(stored());

/** Let `button` switch between the two and say so. */
export function bindToggle(button) {
  const describe = () => {
    const other = isDark() ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to ${other} colours`);
    button.title = `Switch to ${other} colours`;
  };
  button.addEventListener("click", () => {
    const chosen = isDark() ? "light" : "dark";
    remember(chosen);
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

/** Storage may be forbidden; then the choice lasts as long as the page. */
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    /* nothing to keep it in */
  }
}
