import { isTerminal } from "/clients/js/synckairos.js";
import { adjustableClocks } from "./adjust-dialog.js";
import { mayCreate } from "./allowed.js";
import { el, setText } from "./dom.js";
import { sidesOfGame } from "./game-result.js";
import { mainAction } from "./main-action.js";
import { forfeitable, possibleStarters, removable, retirable } from "./person-dialogs.js";
import { turnWords } from "./turn-words.js";

/** The words of each main action, except for a switch. */
const PRIMARY = { start: "Start", resume: "Resume", pause: "Pause", complete: "Complete …" };

/** The buttons below the clocks. `ask(name)` opens a dialog; `swap()` lets two clocks change places. */
export function controls(act, ask, swap) {
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
  const seats = el(
    "button",
    { type: "button", onclick: () => (menu.hidePopover(), swap()) },
    "Swap sides",
  );
  const starter = item("Choose who starts …", "starter");
  const adjust = item("Change a clock …", "adjust");
  const rename = item("Rename a person …", "rename");
  const add = item("Add a person …", "add");
  const retire = item("Retire a person …", "retire");
  const removePerson = item("Remove a person …", "removePerson");
  const forfeit = item("Let a person forfeit …", "forfeit");
  const complete = item("Complete the session …", "complete");
  const cancel = item("Cancel the session …", "cancel");
  const remove = item("Delete the session …", "delete", true);
  const people = [starter, seats, adjust, rename, add, retire, removePerson, forfeit];
  menu.append(undo, ...people, complete, cancel, remove);
  const more = el("button", { type: "button", popovertarget: "menu" }, "More");
  const newSession = el("a", { class: "button primary big", href: "/" }, "New session");
  const rematch = el(
    "button",
    { type: "button", class: "rematch", onclick: () => act.rematch() },
    "Rematch",
  );
  const parts = [pause, rematch, primary, newSession, more, menu];
  const element = el("div", { class: "controls" }, ...parts);

  function update(state, names, allowed) {
    const { manage } = allowed;
    const show = (control, isShown) => (control.hidden = !isShown);
    show(element, allowed.takePart);
    const main = mainAction(state, allowed);
    show(primary, main);
    show(pause, allowed.pause && main !== "pause");
    const mayGoOn = isTerminal(state) && mayCreate();
    show(newSession, mayGoOn);
    show(rematch, mayGoOn && state.cycle_number > 0 && sidesOfGame(state, names).length > 0);
    show(more, allowed.delete);
    show(undo, allowed.undo);
    show(adjust, allowed.adjustClocks && adjustableClocks(state).length > 0);
    show(starter, manage && possibleStarters(state).length > 0);
    show(seats, sidesOfGame(state, names).length === 2);
    show(rename, manage && state.participants.length > 0);
    show(add, manage && !state.time_control?.hourglass);
    show(retire, manage && retirable(state).length > 0);
    show(removePerson, manage && removable(state).length > 0);
    show(forfeit, allowed.forfeit && forfeitable(state).length > 0);
    show(complete, manage && main !== "complete");
    show(cancel, manage);
    const { next, end } = turnWords(state);
    setText(undoWords, `Undo the last ${end} …`);
    setText(words, PRIMARY[main] ?? next);
  }

  return { element, update };
}
