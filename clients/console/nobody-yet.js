import { el, setText } from "./dom.js";
import { modeOf } from "./modes.js";

/** Purposes whose sessions are for people who watch. */
const FOR_WATCHING = ["quiz", "meeting"];
const WAITING = "Nobody has joined yet.";
const WATCHED = "People can follow on their own screens.";

/** Whether people are to join a session that has nobody yet. */
export function expectsPeople({ participants, sync_mode: mode, metadata }) {
  const isWatched = FOR_WATCHING.includes(metadata?.purpose);
  return participants.length === 0 && Boolean(modeOf(mode).mayBeEmpty) && !isWatched;
}

/** The next step for hosts of a pending session without participants; `ask` opens a dialog. */
export function nobodyYet(ask) {
  const words = el("span");
  const open = el(
    "button",
    { type: "button", "aria-haspopup": "dialog", onclick: () => ask("joinCode") },
    "Open a join code …",
  );
  const element = el("p", { class: "nobody-yet" }, words, open);

  function update(state, allowed) {
    const isEmpty = state.participants.length === 0;
    element.hidden = !(allowed.manage && isEmpty && state.status === "pending");
    setText(words, expectsPeople(state) ? WAITING : WATCHED);
  }

  return { element, update };
}
