/** Whether the page is a display for a room (`?view=display`), which has no controls. */
export function isDisplay() {
  return new URLSearchParams(location.search).get("view") === "display";
}
