import { el, icon } from "./dom.js";
import { field, textInput } from "./field.js";

/** The items of an agenda in the form, one row each with a title and a length. */
export function agendaField() {
  const list = el("ol", { class: "people-list" });
  const rows = [];

  const add = (title = "", length = "10:00") => {
    const row = makeRow(rows.length, title, length, () => remove(row));
    rows.push(row);
    list.append(row.element);
    return row;
  };
  const remove = (row) => {
    rows.splice(rows.indexOf(row), 1);
    row.element.remove();
    adder.focus();
  };
  const adder = el(
    "button",
    { type: "button", class: "quiet", onclick: () => add().title.control.focus() },
    "Add an item",
  );
  const element = el("fieldset", { class: "people" }, el("legend", {}, "Agenda"), list, adder);

  return {
    element,
    rows,
    show: (isShown) => (element.hidden = !isShown),
    /** Replace all rows by `[title, length]` pairs. */
    fill(items) {
      rows.length = 0;
      list.replaceChildren();
      for (const [title, length] of items) add(title, length);
    },
  };
}

function makeRow(position, givenTitle, givenLength, onRemove) {
  const placeholder = `Item ${position + 1}`;
  const title = field("Item", textInput({ value: givenTitle, maxLength: 100, placeholder }), {
    isCompact: true,
  });
  const length = field("Length", textInput({ class: "time", value: givenLength }), {
    isCompact: true,
  });
  const remover = el(
    "button",
    { type: "button", class: "quiet icon-only", onclick: onRemove, "aria-label": "Remove" },
    icon("remove"),
  );
  return {
    title,
    length,
    element: el("li", {}, title.element, length.element, remover),
    get label() {
      return title.value.trim() || placeholder;
    },
  };
}
