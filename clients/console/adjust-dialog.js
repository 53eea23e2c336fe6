import { openDialogWith } from "./dialog.js";
import { el } from "./dom.js";
import { field, select, textInput } from "./field.js";
import { namesOf } from "./names.js";
import { parseTime } from "./parse-time.js";

const ADD = "add";
const TAKE = "take";
const CHANGES = [
  [ADD, "Add time"],
  [TAKE, "Take time away"],
  ["set", "Set the time to"],
];
const NOT_AN_AMOUNT = "Enter a time, such as 45s, 2m or 1:30";
const EVERYBODY = ["all", "Everybody"];

/** The clocks that the user may choose: pairs of a target in JSON and its name. */
export function adjustableClocks(state) {
  const names = namesOf(state);
  const target = (to, name) => [JSON.stringify(to), name];
  const everybody = target(...EVERYBODY);
  switch (state.sync_mode) {
    case "per_group":
      return [
        everybody,
        ...state.groups.map(({ group_id: id }) => target({ groups: [id] }, names.group(id))),
      ];
    case "global":
      return [
        state.session_clock && target("session", "The total time"),
        state.cycle_clock && target("cycle", "This round"),
      ].filter(Boolean);
    case "count_up":
      return state.max_time_ms ? [target("session", "The time until the stop")] : [];
    default:
      return [
        everybody,
        ...state.participants.map(({ participant_id: id }) =>
          target({ participants: [id] }, names.participant(id)),
        ),
      ];
  }
}

/** Ask which clock to change, and how. An expired session goes on with the new time. */
export function openAdjust({ state }, act) {
  const isOver = state.status === "expired";
  const clock = field("Clock", select(adjustableClocks(state)));
  const change = field("Change", select(CHANGES));
  const amount = field("Time", textInput({ class: "time", placeholder: "1:30" }), {
    hint: "for example 45, 45s, 2m or 1:30",
  });
  const reason = field("Reason", textInput({ maxLength: 500 }), { hint: "optional" });
  const note = isOver && el("p", {}, "The session goes on at once with the new time.");
  const row = el("div", { class: "dialog-row" }, change.element, amount.element);
  const body = [note, clock.element, row, reason.element].filter(Boolean);
  openDialogWith("Change a clock", body, "Change", () => {
    const ms = amountIn(amount, change.value);
    if (ms === null) return false;
    return act.adjustClocks({
      ...(change.value === "set" ? { setMs: ms } : { addMs: ms }),
      to: JSON.parse(clock.value),
      reason: reason.value.trim(),
      reopen: isOver,
    });
  });
  amount.control.focus();
}

/** The typed time (ms), below zero if it is taken away; null with an error at its field. */
function amountIn(amount, change) {
  const ms = parseTime(amount.value, "s");
  const isSigned = /^[+\-−]/.test(amount.value.trim());
  if (!ms || (isSigned && change !== ADD)) {
    amount.showError(isSigned && ms ? "Enter the time without a sign" : NOT_AN_AMOUNT);
    amount.control.focus();
    return null;
  }
  return change === TAKE ? -ms : ms;
}
