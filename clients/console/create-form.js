import { requestFrom } from "./create-request.js";
import { el, setText } from "./dom.js";
import { showFieldErrors } from "./field-errors.js";
import { modePicker } from "./mode-picker.js";
import { MODES } from "./modes.js";
import { peopleField } from "./people-field.js";
import { presetChips } from "./preset-chips.js";
import { purposeFields } from "./purpose-fields.js";
import { recentList } from "./recent-list.js";
import { starterField } from "./starter-field.js";
import { settingsFields } from "./settings-fields.js";
import { creationErrorText } from "./error-texts.js";
import { duration } from "./format.js";
import { timeControlField } from "./time-control-field.js";

/** The form that creates a session. It opens with the first preset (a blitz game). */
export function createForm(page, { client, sessionId, onCreated }) {
  const people = peopleField();
  const starter = starterField(people.rows);
  const settings = settingsFields();
  const purposes = purposeFields();
  const chips = presetChips((preset) => fill(preset));
  const control = timeControlField({
    read: () => client.timeControls(),
    onChoose: useControl,
    onRemove: useIncrement,
  });
  const fields = { ...settings.fields, ...purposes.fields, people, control };
  const problem = el("p", { class: "form-error", role: "alert" });
  const submit = el("button", { class: "primary", type: "submit" }, "Create session");
  let mode = MODES[0];
  let shape = mode;

  const form = el(
    "form",
    { class: "create", noValidate: true, onsubmit: (event) => (event.preventDefault(), send()) },
    el("h1", {}, "One clock for everyone"),
    el(
      "p",
      { class: "lead" },
      "Choose how time runs and share the link. All screens show the same time.",
      el("a", { class: "join-link", href: "/join" }, "Join with a code"),
    ),
    recentList(client),
    modePicker(pick),
    el(
      "div",
      { class: "settings" },
      chips.element,
      settings.fields.title.element,
      people.element,
      control.element,
      purposes.elements[0],
      el("div", { class: "grid" }, starter.element, ...gridOf(settings.fields)),
      purposes.elements[1],
      problem,
      el("div", { class: "submit" }, submit, el("kbd", {}, "Enter")),
    ),
  );

  function pick(chosen) {
    mode = chosen;
    chips.show(mode.presets, ...(mode.fields.includes("increment") ? [control.opener] : []));
    fill(mode.presets[0]);
  }

  function fill(preset) {
    shape = { ...mode, ...preset };
    people.fill(shape);
    people.showFieldsOf(shape);
    people.element.hidden = shape.hasPeople === false;
    starter.fill(shape);
    settings.fill(shape);
    settings.showFieldsOf(shape);
    purposes.fill(shape);
    control.clear();
    setText(problem, "");
  }

  /** Fill in a named time control, which replaces the time added per turn. */
  function useControl({ title, total_time_ms: bank }) {
    chips.press(control.opener);
    settings.fields.title.value = title.split(",")[0];
    settings.fields.time.value = duration(bank);
    settings.fields.increment.show(false);
  }

  function useIncrement() {
    settings.fields.increment.show(true);
    settings.fields.increment.control.focus();
  }

  async function send() {
    const sent = starter.inOrder();
    const body = requestFrom(shape, sent, fields, sessionId);
    if (!body) return focusFirstError();
    submit.disabled = true;
    try {
      onCreated(await client.create(body));
    } catch (error) {
      submit.disabled = false;
      explain(error, sent);
    }
  }

  /** Show an error at the fields; `sent` are the rows of the people in the order of the request. */
  function explain(error, sent) {
    const details = Array.isArray(error.details) ? error.details : [];
    const unassigned = showFieldErrors(details, sent, fields);
    if (unassigned.length || !details.length) {
      setText(problem, [creationErrorText(error), ...unassigned].join(" "));
    }
    focusFirstError();
  }

  function focusFirstError() {
    form.querySelector("[aria-invalid]")?.focus();
  }

  const onKey = (event) => {
    if (event.key === "Enter" && event.target === document.body) form.requestSubmit();
  };
  document.addEventListener("keydown", onKey);
  for (const change of ["input", "click"]) people.element.addEventListener(change, starter.refresh);
  pick(mode);
  document.body.dataset.view = "create";
  page.links.replaceChildren(el("a", { class: "button quiet", href: "/board" }, "Board"));
  page.main.replaceChildren(form);
  return () => document.removeEventListener("keydown", onKey);
}

function gridOf(fields) {
  const order = [
    ...["time", "cycle", "ceiling", "increment", "begins", "closes", "grace"],
    ...["warnings", "action", "play", "advance"],
  ];
  return order.map((name) => fields[name].element);
}
