import { isTerminal } from "/clients/js/synckairos.js";
import { count, countdown, duration, elapsedTime } from "./format.js";
import { clockWidth } from "./clock-width.js";
import { el, icon, setFlag, setText } from "./dom.js";
import { memberButtons } from "./member-buttons.js";

const STEP_MS = 15_000;

/**
 * One clock. `update` takes the model of a new state; `draw` takes a server time (ms) and returns
 * the width of the text shown, in em. Both change the document only where the display changes.
 */
export function clockFace({ onPress, onMember, onAdjust }) {
  const whole = el("span", { class: "face-whole" });
  const tenths = el("span", { class: "face-tenths" });
  const time = el("div", { class: "face-time", role: "timer" }, whole, tenths);
  const overtime = el("span", { class: "face-overtime" });
  const name = el("h2", { class: "face-name" });
  const flag = el("span", { class: "face-flag" }, icon("flag"));
  const note = el("span", { class: "face-note" });
  const detail = el("span", { class: "face-detail" });
  const members = memberButtons(onMember);
  const press = () => onPress(model);
  const pressArea = el("button", { class: "face-press", type: "button", onclick: press });
  const [takeOff, add] = [-STEP_MS, STEP_MS].map((step) =>
    adjuster(step, () => onAdjust(model, step)),
  );
  const adjusters = el("span", { class: "face-adjust" }, takeOff, add);
  const element = el(
    "section",
    { class: "face" },
    pressArea,
    el("header", { class: "face-head" }, name, flag, note),
    el("div", { class: "face-middle" }, time, overtime),
    members.element,
    el("footer", { class: "face-foot" }, detail, adjusters),
  );
  let model;
  let state;

  function update(nextModel, nextState) {
    model = nextModel;
    state = nextState;
    setText(name, model.name);
    setFlag(element, "active", model.isActive);
    setFlag(element, "winner", Boolean(model.isWinner));
    element.dataset.key = model.key;
    element.dataset.status = state.status;
    pressArea.hidden = state.status !== "running";
    pressArea.setAttribute("aria-label", pressLabel(model));
    adjusters.hidden = !canAdjust(model, state);
    members.update(model.members ?? []);
  }

  function draw(at) {
    const ms = model.read(at) ?? 0;
    const [shown, tenth = ""] = (model.isUpward ? elapsedTime(ms) : countdown(ms)).split(".");
    setText(whole, shown);
    setText(tenths, tenth && `.${tenth}`);
    time.dataset.remaining = ms.toFixed(1);
    const used = model.readOvertime?.(at);
    setText(overtime, overtimeText(used));
    takeOff.disabled = Boolean(used?.inUse);
    const left = model.isUpward ? model.readLeft(at) : ms;
    const isFallen = model.hasFallen(at) && state.status !== "pending";
    setFlag(element, "fallen", isFallen);
    setFlag(element, "low", model.isActive && !isFallen && isLow(left, state));
    setText(note, noteOf(model, state, isFallen));
    setText(detail, detailOf(model, state, at));
    return clockWidth(shown, tenths.textContent);
  }

  return { element, update, draw };
}

function adjuster(step, onclick) {
  const words = step < 0 ? "−15 s" : "+15 s";
  const label = step < 0 ? "Take 15 seconds off" : "Add 15 seconds";
  return el("button", { type: "button", class: "adjust", onclick, "aria-label": label }, words);
}

function isLow(left, { warn_at_ms: thresholds = [] }) {
  return left !== null && left <= Math.max(0, ...thresholds);
}

/** The periods or turns left of the overtime that is in use; empty outside of overtime. */
function overtimeText(used) {
  if (!used?.inUse) return "";
  const { periodsLeft, turnsLeft } = used;
  if (periodsLeft !== undefined) return `${count(periodsLeft, "period")} left`;
  return turnsLeft === undefined ? "" : `${count(turnsLeft, "turn")} left`;
}

function canAdjust(model, state) {
  return !isTerminal(state) && !model.isUpward && Boolean(model.participantId);
}

function pressLabel(model) {
  if (model.isUpward) return "Record a lap";
  if (model.isShared) return "Start the next round";
  return model.isActive ? `End the turn of ${model.name}` : `Switch to ${model.name}`;
}

function noteOf(model, state, isFallen) {
  if (isFallen) return model.isUpward ? "Time is up" : "Flag fallen";
  if (model.isWinner) return "Wins on time";
  if (!model.isActive) return "";
  if (state.status === "pending") return model.isUpward ? "" : "Ready";
  return state.status === "paused" ? "Paused" : "";
}

function detailOf(model, state, at) {
  if (model.isUpward && state.max_time_ms) {
    return [model.detail, `stops at ${duration(state.max_time_ms)}`].filter(Boolean).join(" · ");
  }
  if (!model.readUsed) return model.detail;
  if (state.status === "pending") return "";
  const spent = Math.floor(model.readUsed(at) / 1000) * 1000;
  return `${model.detail} · ${duration(spent)} used`;
}
