import { el, setText } from "./dom.js";

/** A list of named figures. `draw` takes pairs of a name and a text; an empty text hides its row. */
export function factList() {
  const element = el("dl", { class: "facts" });
  const values = new Map();

  function add(name) {
    const value = el("dd");
    const row = el("div", {}, el("dt", {}, name), value);
    element.append(row);
    values.set(name, { row, value });
  }

  function draw(facts) {
    for (const [name, text] of facts) {
      if (!values.has(name)) add(name);
      const { row, value } = values.get(name);
      row.hidden = !text;
      setText(value, text);
    }
  }

  return { element, draw };
}
