import { newId, participantOf } from "/clients/js/synckairos.js";
import { NOT_AN_ALLOWANCE, parseAllowance } from "./allowance.js";
import { openDialogWith } from "./dialog.js";
import { el } from "./dom.js";
import { field, textInput } from "./field.js";
import { namesOf } from "./names.js";
import { parseTime } from "./parse-time.js";
import { countsUp } from "./runs.js";
import { wordsOf } from "./words.js";

/** Ask for a person who joins; while the session runs, the person may begin at once. */
export function openAddRun({ state }, act) {
  const { person } = wordsOf(state);
  const name = field("Name", textInput({ maxLength: 60 }));
  const extra = field("Extra time", textInput({ class: "time", placeholder: "none" }), {
    hint: "minutes, or a share such as 25%",
  });
  const now = field("Begin at once", el("input", { type: "checkbox", checked: true }));
  now.element.classList.add("check");
  extra.show(!countsUp(state));
  now.show(state.status === "running");
  const body = [name.element, extra.element, now.element];
  openDialogWith(`Add a ${person.toLowerCase()}`, body, "Add", () => {
    const allowance = parseAllowance(extra.value);
    if (!allowance) return extra.showError(NOT_AN_ALLOWANCE), false;
    const id = newId();
    const newcomer = {
      participant_id: id,
      name: name.value.trim() || undefined,
      allow_cut: state.closes_at ? true : undefined,
      ...allowance,
    };
    const beginsNow = !now.element.hidden && now.control.checked;
    return act.attempt(async (session) => {
      await session.addParticipant(newcomer);
      if (beginsNow) await session.begin(id);
    });
  });
  name.control.focus();
}

/** Ask how much time to give, to one person or, without an id, to all who are not done. */
export function openGiveTime({ state }, act, id) {
  const run = id && participantOf(state, id);
  const isClosed = run?.state === "closed";
  const names = namesOf(state);
  const { people } = wordsOf(state);
  const time = field("Minutes", textInput({ class: "time", value: "5", inputMode: "decimal" }), {
    hint: "or a time, such as 7:30 or 45s; a minus sign takes time away",
  });
  const reason = field("Reason", textInput({ maxLength: 500 }), { hint: "optional" });
  const words = run
    ? isClosed && "Their time is up. They go on at once with this time."
    : `For all ${people} who are not done.`;
  const body = [words && el("p", {}, words), time.element, reason.element].filter(Boolean);
  const title = run ? `More time for ${names.participant(id)}` : "More time for all";
  openDialogWith(title, body, "Give time", () => {
    const ms = parseTime(time.value, "m");
    if (!ms) return time.showError("Enter minutes, such as 5"), false;
    return act.attempt(async (session) => {
      await session.adjustClocks({
        addMs: ms,
        to: run ? { participants: [id] } : "all",
        reason: reason.value.trim() || undefined,
      });
      if (isClosed) await session.reopen(id);
    });
  });
  time.control.select();
}

/** Ask a participant before it finishes, because only a host can undo that. */
export function openFinishOwn({ state }, act, id) {
  const { finish } = wordsOf(state);
  const words = "Your time ends now. You can’t go on after that.";
  openDialogWith(`${finish}?`, [el("p", {}, words)], finish, () => (act.finish(id), true));
}

/** Ask before the last person finishes, because that ends the session. */
export function openFinishLast({ state }, act, id) {
  openLast(state, id, wordsOf(state).finish, () => act.finish(id));
}

/** Ask before the last person is closed without a finish, because that ends the session. */
export function openGiveUpLast({ state }, act, id) {
  openLast(state, id, wordsOf(state).giveUp, () => act.giveUp(id));
}

function openLast(state, id, verb, onYes) {
  const name = namesOf(state).participant(id);
  const words = `${name} is the last one: the ${wordsOf(state).session} ends, and nobody can go on.`;
  openDialogWith(`${verb}: ${name}?`, [el("p", {}, words)], verb, () => (onYes(), true));
}

/** Ask before a person is removed. */
export function openRemoveRun({ state }, act, id) {
  const name = namesOf(state).participant(id);
  const words = "They leave the session with their clock and their time. This can’t be taken back.";
  openDialogWith(`Remove ${name}?`, [el("p", {}, words)], "Remove", () => act.removePerson(id));
}
