import { openDialogWith } from "./dialog.js";
import { el } from "./dom.js";
import { field, select, textInput } from "./field.js";
import { sidesOfGame } from "./game-result.js";
import { namesOf } from "./names.js";

const NONE = "none";
const DRAW = "draw";
const REASONS = ["mate", "resignation", "agreement", "stalemate", "points", "adjudication"];

/** Ask before a session is completed; if its people can win, also for the result. */
export function openComplete({ state }, act) {
  const words = el("p", {}, "All clocks stop permanently, for everyone.");
  const sides = state.status === "pending" ? [] : sidesOfGame(state, namesOf(state));
  const winner = field(
    "Result",
    select([
      [NONE, "No result"],
      ...sides.map(([, name], position) => [String(position), `${name} wins`]),
      [DRAW, "Draw"],
    ]),
  );
  const list = el("datalist", { id: "reasons" }, ...REASONS.map((value) => el("option", { value })));
  const input = textInput({ maxLength: 60, placeholder: "mate, resignation …" });
  input.setAttribute("list", list.id);
  const by = field("By", input, { hint: "optional" });
  const row = el("div", { class: "dialog-row" }, winner.element, by.element, list);
  const update = () => by.show(winner.value !== NONE);
  winner.control.addEventListener("change", update);
  update();
  const body = sides.length ? [words, row] : [words];
  openDialogWith("Complete this session?", body, "Complete", () =>
    act.complete(winner.value === NONE ? null : resultFrom(winner.value, by.value, sides)),
  );
}

function resultFrom(chosen, by, sides) {
  const winner = chosen === DRAW ? null : sides[Number(chosen)][0];
  return { winner, ...(by.trim() && { by: by.trim() }) };
}
