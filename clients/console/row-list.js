import { distinct } from "./distinct.js";
import { el, icon } from "./dom.js";

/**
 * A list of rows in a form that the user adds and removes.
 *
 * @template {{fields: object[], place: (position: number) => void}} Row
 * @param {{adder: string, noun: string}} words on the button that adds a row; what a row is called
 *   in the names of its fields and of the button that removes it, such as "participant"
 * @param {(position: number, ...values: *) => Row} makeRow `fields` are the fields of the row, from
 *   left to right; the first one has the focus in a new row, and its text is the name of the row.
 *   `place` is called with the row's position, also when that changes.
 * @param {() => void} [onChange] called when a row was added or removed
 */
export function rowList(words, makeRow, onChange = () => {}) {
  const element = el("ol", { class: "people-list", oninput: refreshLater });
  const rows = [];
  const items = new Map();
  let isStale = false;

  const add = (...values) => {
    const row = makeRow(rows.length, ...values);
    row.place(rows.length);
    const remover = el(
      "button",
      {
        type: "button",
        class: "quiet icon-only",
        onclick: () => (remove(row), adder.focus()),
      },
      icon("remove"),
    );
    const item = el("li", {}, ...row.fields.map((field) => field.element), remover);
    items.set(row, { item, remover });
    rows.push(row);
    element.append(item);
    refreshLater();
    onChange();
    return row;
  };
  const remove = (row) => {
    rows.splice(rows.indexOf(row), 1);
    items.get(row).item.remove();
    items.delete(row);
    refreshLater();
    onChange();
  };
  const adder = el(
    "button",
    { type: "button", class: "quiet", onclick: () => add().fields[0].control.focus() },
    words.adder,
  );

  /** Refresh once after all changes of the present task: a pasted list adds a thousand rows. */
  function refreshLater() {
    if (isStale) return;
    isStale = true;
    queueMicrotask(refresh);
  }

  /** Tell the rows their positions, and name their fields and the buttons that remove them. */
  function refresh() {
    isStale = false;
    const typed = rows.map(({ fields: [first] }) => first.value.trim());
    const names = distinct(typed.map((name, position) => name || String(position + 1)));
    rows.forEach((row, position) => {
      const [first, ...others] = row.fields;
      const called = `${words.noun} ${names[position]}`;
      row.place(position);
      first.setRow(`${words.noun} ${position + 1}`); // it contains the name of the row
      for (const field of others) field.setRow(called);
      items.get(row).remover.ariaLabel = `Remove ${called}`;
    });
  }

  return {
    element,
    adder,
    rows,
    add,
    /** Remove the rows for which `isKept` is false. */
    keep: (isKept) => rows.filter((row) => !isKept(row)).forEach(remove),
  };
}
