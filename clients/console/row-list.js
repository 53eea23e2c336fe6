import { el, icon } from "./dom.js";

/**
 * A list of rows in a form that the user adds and removes.
 *
 * @template {{fields: object[]}} Row
 * @param {string} label of the button that adds a row
 * @param {(position: number, ...values: *) => Row} makeRow `fields` are the fields of the row, from
 *   left to right; the first one has the focus in a new row
 * @param {() => void} [onChange] called when a row was added or removed
 */
export function rowList(label, makeRow, onChange = () => {}) {
  const element = el("ol", { class: "people-list" });
  const rows = [];
  const items = new Map();

  const add = (...values) => {
    const row = makeRow(rows.length, ...values);
    const remover = el(
      "button",
      {
        type: "button",
        class: "quiet icon-only",
        onclick: () => (remove(row), adder.focus()),
        "aria-label": "Remove",
      },
      icon("remove"),
    );
    const item = el("li", {}, ...row.fields.map((field) => field.element), remover);
    items.set(row, item);
    rows.push(row);
    element.append(item);
    onChange();
    return row;
  };
  const remove = (row) => {
    rows.splice(rows.indexOf(row), 1);
    items.get(row).remove();
    items.delete(row);
    onChange();
  };
  const adder = el(
    "button",
    { type: "button", class: "quiet", onclick: () => add().fields[0].control.focus() },
    label,
  );

  return {
    element,
    adder,
    rows,
    add,
    /** Remove the rows for which `isKept` is false. */
    keep: (isKept) => rows.filter((row) => !isKept(row)).forEach(remove),
  };
}
