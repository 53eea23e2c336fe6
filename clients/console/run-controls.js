import { isTerminal } from "/clients/js/synckairos.js";
import { mayCreate } from "./allowed.js";
import { el, setText } from "./dom.js";
import { mainAction } from "./main-action.js";
import { countsUp } from "./runs.js";
import { wordsOf } from "./words.js";

/** The buttons for a whole `individual` session. */
export function runControls({ act, ask }) {
  const menu = el("div", { class: "menu", id: "menu", popover: "auto" });
  const button = (label, onclick, properties = {}) =>
    el("button", { type: "button", onclick, ...properties }, label);
  const item = (label, name, className = "") =>
    button(label, () => (menu.hidePopover(), ask(name)), { class: className });
  const primaryWords = el("span");
  const primary = el(
    "button",
    { class: "primary", type: "button", id: "primary", onclick: () => act.primary() },
    primaryWords,
    el("kbd", {}, "Space"),
  );
  const pause = button("Pause all", () => act.pauseOrResume(), { id: "pause" });
  const beginWords = el("span");
  const begin = el(
    "button",
    { type: "button", class: "begin", onclick: () => act.begin(waiting) },
    beginWords,
  );
  const add = button("", () => ask("addRun"));
  const give = button("More time …", () => ask("giveTime"), { class: "give" });
  const end = item("", "complete");
  const cancel = item("Cancel the session …", "cancel");
  const remove = item("Delete the session …", "delete", "danger");
  menu.append(end, cancel, remove);
  const more = el("button", { type: "button", popovertarget: "menu" }, "More");
  const newSession = el("a", { class: "button primary", href: "/" }, "New session");
  const buttons = [primary, newSession, pause, begin, add, give, more, menu];
  const element = el("div", { class: "run-controls" }, ...buttons);
  let waiting = [];

  function update(state, allowed) {
    const { person, session } = wordsOf(state);
    const { status } = state;
    const show = (control, isShown) => (control.hidden = !isShown);
    waiting = state.participants
      .filter((run) => run.state === "not_begun")
      .map((run) => run.participant_id);
    show(element, allowed.takePart && !allowed.own);
    const main = mainAction(state, allowed);
    show(primary, main);
    setText(primaryWords, primaryText(main, session));
    show(pause, allowed.pause);
    show(begin, allowed.manage && status === "running" && waiting.length > 0);
    setText(beginWords, waiting.length > 1 ? `Begin all ${waiting.length}` : "Begin");
    show(add, allowed.manage);
    setText(add, `Add a ${person.toLowerCase()} …`);
    show(give, allowed.manage && !countsUp(state));
    show(more, allowed.delete);
    show(end, allowed.manage && status !== "pending" && main !== "complete");
    setText(end, `End the ${session} …`);
    show(cancel, allowed.manage);
    show(newSession, isTerminal(state) && mayCreate());
  }

  return { element, update };
}

function primaryText(main, session) {
  const texts = { start: `Start the ${session}`, complete: `End the ${session} …` };
  return texts[main] ?? "Resume all";
}
