import { seated } from "./seats.js";

const TYPING = "input, select, textarea";
const OWN_KEYS = "button, a, input, select, textarea, [popover], dialog";

/**
 * Bind the session's keyboard shortcuts. Space and Enter press a focused control instead, and keys
 * that are typed into a field do nothing else. A click leaves the focus on no button, so that Space
 * after it doesn't press that button again.
 */
export function bindKeys(session, act, { fullScreen, share, undo }) {
  const onKey = (event) => {
    if (!mayBeShortcut(event)) return;
    const isTaken = event.target instanceof Element && event.target.closest(OWN_KEYS);
    const command = commandOf(event.key, Boolean(isTaken));
    if (!command) return;
    event.preventDefault();
    command();
  };

  function commandOf(key, isTaken) {
    if (key === " " || key === "Enter") return isTaken ? null : pressPrimary;
    if (/^[1-9]$/.test(key)) return () => choose(Number(key) - 1);
    const commands = { p: () => act.pauseOrResume(), u: undo, f: fullScreen, s: share };
    return commands[key.toLowerCase()];
  }

  function pressPrimary() {
    if (hasMainButton()) act.primary();
  }

  function choose(position) {
    const chosen = seated(session.state?.participants ?? [], session.id)[position];
    if (chosen && !chosen.is_active) act.switchTo(chosen.participant_id);
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("click", releaseFocus);
  return () => {
    document.removeEventListener("keydown", onKey);
    document.removeEventListener("click", releaseFocus);
  };
}

/** Whether the page shows its main button. A hidden one does nothing, so neither does its key. */
export function hasMainButton() {
  return Boolean(document.getElementById("primary")?.checkVisibility());
}

/** Whether a key may be a shortcut: it is pressed alone, in no field and in no open dialog. */
export function mayBeShortcut({ target, repeat, ctrlKey, metaKey, altKey }) {
  if (repeat || ctrlKey || metaKey || altKey) return false;
  if (document.querySelector("dialog[open]")) return false;
  return !(target instanceof Element && target.closest(TYPING));
}

/** Keys press a button without a pointer: then the focus stays, for the next key. */
function releaseFocus({ detail: pointerClicks, target }) {
  const button = target instanceof Element && target.closest("main button");
  const opensMore = button && button.matches("[popovertarget], [aria-haspopup]");
  if (pointerClicks && button && !opensMore && button === document.activeElement) button.blur();
}
