import { el } from "./dom.js";
import { field, textInput } from "./field.js";
import { rowList } from "./row-list.js";
import { timeField } from "./time-field.js";

/** The items of an agenda in the form, one row each with a title and a length. */
export function agendaField() {
  const list = rowList({ adder: "Add an item", noun: "item" }, makeRow);
  const legend = el("legend", {}, "Agenda");
  const element = el("fieldset", { class: "people" }, legend, list.element, list.adder);

  return {
    element,
    rows: list.rows,
    show: (isShown) => (element.hidden = !isShown),
    /** Replace all rows by `[title, length]` pairs. */
    fill(items) {
      list.keep(() => false);
      for (const [title, length] of items) list.add(title, length);
    },
  };
}

function makeRow(position, givenTitle = "", givenLength = "10:00") {
  const title = field("Title", textInput({ value: givenTitle, maxLength: 100 }), {
    isCompact: true,
  });
  const length = timeField("Length", { isCompact: true });
  length.value = givenLength;
  return {
    title,
    length,
    fields: [title, length],
    get label() {
      return title.value.trim() || title.control.placeholder;
    },
    place(number) {
      title.control.placeholder = `Item ${number + 1}`;
    },
  };
}
