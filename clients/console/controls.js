import { isTerminal } from "/clients/js/synckairos.js";
import { adjustableClocks } from "./adjust-dialog.js";
import { el, setText } from "./dom.js";
import { endOfTurn } from "./modes.js";
import { mayManage } from "./token.js";

const PRIMARY = { pending: "Start", paused: "Resume" };
const SWITCH = { count_up: "Lap", global: "Next" };

/** The buttons below the clocks. `ask(name)` opens a dialog. */
export function controls(act, ask) {
  const words = el("span");
  const primary = el(
    "button",
    { class: "primary big", type: "button", id: "primary", onclick: () => act.primary() },
    words,
    el("kbd", {}, "Space"),
  );
  const pause = el(
    "button",
    { type: "button", id: "pause", onclick: () => act.pauseOrResume() },
    "Pause",
    el("kbd", {}, "P"),
  );
  const menu = el("div", { class: "menu", id: "menu", popover: "auto" });
  const item = (label, name, isDanger) =>
    el(
      "button",
      {
        type: "button",
        class: isDanger ? "danger" : "",
        onclick: () => (menu.hidePopover(), ask(name)),
      },
      label,
    );
  const undoWords = el("span");
  const undo = item(undoWords, "undo");
  undo.append(el("kbd", {}, "U"));
  const adjust = item("Change a clock …", "adjust");
  const rename = item("Rename a person …", "rename");
  const whileOpen = [
    item("Add a person …", "add"),
    item("Complete the session …", "complete"),
    item("Cancel the session …", "cancel"),
  ];
  menu.append(undo, adjust, rename, ...whileOpen, item("Delete the session …", "remove", true));
  const more = el("button", { type: "button", popovertarget: "menu" }, "More");
  const newSession = el("a", { class: "button primary big", href: "/" }, "New session");
  const element = el("div", { class: "controls" }, pause, primary, newSession, more, menu);

  function update(state) {
    const isOver = isTerminal(state);
    primary.hidden = isOver;
    newSession.hidden = !isOver;
    pause.hidden = state.status !== "running";
    more.hidden = !mayManage();
    undo.hidden = !canUndo(state);
    adjust.hidden = !canAdjust(state);
    rename.hidden = isOver || !state.participants.length;
    setText(undoWords, `Undo the last ${endOfTurn(state.sync_mode)} …`);
    whileOpen.forEach((button) => (button.hidden = isOver));
    setText(words, PRIMARY[state.status] ?? SWITCH[state.sync_mode] ?? "Switch");
  }

  return { element, update };
}

/** Whether the user may undo the last switch, and the session's status allows it. */
export function canUndo({ status }) {
  return mayManage() && ["running", "paused"].includes(status);
}

/** Whether a clock may be changed; an expired session goes on with the new time. */
function canAdjust(state) {
  const isOpen = !isTerminal(state) || state.status === "expired";
  return isOpen && adjustableClocks(state).length > 0;
}
