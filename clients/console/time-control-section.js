import { el } from "./dom.js";
import { controlText } from "./time-control-texts.js";

/** The time control of a session, and those of single participants and groups, as sentences. */
export function timeControlSection() {
  const lines = el("div", { class: "control-lines" });
  const element = el(
    "section",
    { "aria-labelledby": "control-heading", hidden: true },
    el("h2", { id: "control-heading" }, "Time control"),
    lines,
  );
  let shown = "";

  function update(state, names) {
    const texts = textsOf(state, names);
    element.hidden = !texts.length;
    if (texts.join("\n") === shown) return;
    shown = texts.join("\n");
    lines.replaceChildren(...texts.map((text) => el("p", {}, text)));
  }

  return { element, update };
}

function textsOf(state, names) {
  const own = [
    ...state.participants.map((one) => [names.participant(one.participant_id), one.time_control]),
    ...(state.groups ?? []).map((group) => [names.group(group.group_id), group.time_control]),
  ];
  const common = controlOf(state);
  return [
    common && controlText(common),
    ...own.map(([name, control]) => control && `${name}: ${controlText(control)}`),
  ].filter(Boolean);
}

/** Without a time control, a session may have an increment, which means the same. */
function controlOf({ time_control: control, increment_ms: increment }) {
  return control ?? (increment > 0 ? { increment_ms: increment } : null);
}
