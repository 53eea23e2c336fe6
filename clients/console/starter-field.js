import { el } from "./dom.js";
import { field, select } from "./field.js";

const FIRST = ["", "The first in the list"];
const BY_LOT = ["lot", "Drawn by lot"];

/** The choice of who has the first turn. `rows` are those of the people, which may change. */
export function starterField(rows) {
  const choice = field("Who starts", select([FIRST, BY_LOT]));
  let isWanted = false;

  /** Offer the people as they are now; one who has left the list isn't chosen any more. */
  function refresh() {
    const chosen = choice.control.value;
    const pairs = [FIRST, ...rows.map(({ id, label }) => [id, label]), BY_LOT];
    choice.control.replaceChildren(...pairs.map(([value, words]) => el("option", { value }, words)));
    choice.control.value = pairs.some(([value]) => value === chosen) ? chosen : FIRST[0];
    choice.show(isWanted && rows.length > 1);
  }

  return {
    ...choice,
    refresh,
    /** Forget the choice, and show the field if the preset has turns of people. */
    fill({ mode, purpose, hasPeople = true }) {
      isWanted = hasPeople && mode !== "individual" && purpose !== "auction";
      choice.value = FIRST[0];
      refresh();
    },
    /** The rows in the order of their turns. */
    inOrder() {
      if (choice.element.hidden) return rows;
      const { value } = choice;
      const drawn = Math.floor(Math.random() * rows.length);
      const start = value === BY_LOT[0] ? drawn : rows.findIndex(({ id }) => id === value);
      return start > 0 ? [...rows.slice(start), ...rows.slice(0, start)] : rows;
    },
  };
}
