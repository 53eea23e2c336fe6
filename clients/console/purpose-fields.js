import { agendaField } from "./agenda-field.js";
import { el } from "./dom.js";
import { field, textInput } from "./field.js";
import { timeField } from "./time-field.js";

const TYPED = ["questions", "window", "extension"];

/** The settings of a meeting, an auction and a quiz; each is shown only if the preset uses it. */
export function purposeFields() {
  const fields = {
    agenda: agendaField(),
    questions: field("Questions", textInput({ inputMode: "numeric" }), { hint: "1 to 100" }),
    window: timeField("A bid extends in the last"),
    extension: timeField("A bid leaves at least"),
  };
  const grid = el("div", { class: "grid" }, ...TYPED.map((name) => fields[name].element));

  return {
    fields,
    elements: [fields.agenda.element, grid],
    /** Fill in a preset, and show the fields that it uses. */
    fill(preset) {
      fields.agenda.fill(preset.agenda ?? []);
      fields.agenda.show(preset.fields.includes("agenda"));
      for (const name of TYPED) {
        fields[name].value = preset[name] ?? "";
        fields[name].show(preset.fields.includes(name));
      }
      grid.hidden = !TYPED.some((name) => preset.fields.includes(name));
    },
  };
}

/**
 * The settings as fields of a creation. A text that isn't a number or a time is added to `invalid`.
 *
 * @param {{purpose: ?string}} preset
 * @param {(field: object) => ?number} ms reads a time
 */
export function purposeSettings({ purpose }, fields, ms, invalid) {
  switch (purpose) {
    case "auction":
      return softCloseOf(fields, ms);
    case "meeting":
      return agendaOf(fields.agenda.rows, ms);
    case "quiz":
      return questionsOf(fields, ms, invalid);
    case "quiz_answers":
      return { rounds: true, metadata: { questions: numberOf(fields.questions, invalid) } };
    default:
      return {};
  }
}

function agendaOf(rows, ms) {
  const items = rows.map((row, position) => ({
    item_id: `item_${position + 1}`,
    title: row.label,
    duration_ms: ms(row.length),
    on_end: "wait",
  }));
  return { items, overtime: true };
}

function questionsOf({ questions, cycle }, ms, invalid) {
  const repeat = numberOf(questions, invalid);
  const question = { item_id: "question", title: "Question", duration_ms: ms(cycle) };
  return { items: [{ ...question, on_end: "wait" }], repeat, time_per_cycle_ms: undefined };
}

function numberOf(field, invalid) {
  const number = Number(field.value);
  const isValid = Number.isInteger(number) && number >= 1 && number <= 100;
  if (!isValid) invalid.push([field, "Enter a number from 1 to 100"]);
  return number;
}

function softCloseOf({ window, extension }, ms) {
  return { extend_on_switch: { window_ms: ms(window), to_ms: ms(extension) } };
}
