import { count, countdown, duration, elapsedTime, untilChange } from "./format.js";
import { clockWidth } from "./clock-width.js";
import { noteOf } from "./clock-notes.js";
import { el, icon, setFlag, setText } from "./dom.js";
import { memberButtons } from "./member-buttons.js";
import { isLastStep } from "./programme.js";
import { isLow, warningAt } from "./thresholds.js";

const STEP_MS = 15_000;

/**
 * One clock. `update` takes the model of a new state; `draw` takes a server time (ms) and returns
 * the width of the text shown, in em, and the ms until it changes. Both change the document only
 * where the display changes.
 */
export function clockFace({ onPress, onMember, onAdjust, onGive }) {
  const whole = el("span", { class: "face-whole" });
  const tenths = el("span", { class: "face-tenths" });
  const time = el("div", { class: "face-time", role: "timer" }, whole, tenths);
  const overtime = el("span", { class: "face-overtime" });
  const name = el("h2", { class: "face-name", dir: "auto" });
  const flag = el("span", { class: "face-flag" }, icon("flag"));
  const note = el("span", { class: "face-note" });
  const detail = el("span", { class: "face-detail" });
  const members = memberButtons(onMember);
  const press = () => onPress(model);
  const pressArea = el("button", { class: "face-press", type: "button", onclick: press });
  const takeOff = adjuster(() => onAdjust(model, -STEP_MS));
  const add = adjuster(() => onAdjust(model, STEP_MS));
  const give = adjuster(() => onGive(model, gift));
  const adjusters = el("span", { class: "face-adjust" }, takeOff, add, give);
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
  let gift = 0;
  let drawnMs = 0;

  function update(nextModel, nextState, allowed) {
    model = nextModel;
    state = nextState;
    setText(name, model.name);
    time.setAttribute("aria-label", model.name);
    setFlag(element, "active", model.isActive);
    setFlag(element, "winner", Boolean(model.isWinner));
    element.dataset.key = model.key;
    element.dataset.status = state.status;
    pressArea.hidden = !canPress(model, allowed);
    pressArea.setAttribute("aria-label", pressLabel(model, state));
    const isAdjustable = !model.isUpward && Boolean(model.participantId);
    takeOff.hidden = add.hidden = !(isAdjustable && allowed.manage);
    gift = isAdjustable ? Math.min(STEP_MS, allowed.gift(model.participantId)) : 0;
    give.hidden = !gift;
    labelAdjuster(takeOff, -STEP_MS, model.name);
    labelAdjuster(add, STEP_MS, model.name);
    if (gift) labelAdjuster(give, gift, model.name);
    members.update(model.members ?? [], allowed);
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
    const isWarned = model.isActive && !isFallen && isLow(left, state);
    setFlag(element, "low", isWarned);
    setText(note, noteOf(model, state, isFallen) || warningText(isWarned, left, state));
    setText(detail, detailOf(model, state, at));
    const change = Math.sign(ms - drawnMs);
    drawnMs = ms;
    return {
      width: clockWidth(shown, tenths.textContent),
      untilChange: untilChange(ms, change, tenth ? 100 : 1000),
    };
  }

  return { element, update, draw };
}

function adjuster(onclick) {
  return el("button", { type: "button", class: "adjust", onclick });
}

function labelAdjuster(button, step, name) {
  const seconds = Math.abs(step) / 1000;
  const words = `${step < 0 ? "−" : "+"}${seconds} s`;
  const label = step < 0 ? `take ${seconds} seconds off ${name}` : `add ${seconds} seconds to ${name}`;
  setText(button, words);
  button.setAttribute("aria-label", `${words}, ${label}`);
}

/** The active clock ends the turn; another one begins its participant's turn. */
function canPress(model, allowed) {
  const { isActive, participantId } = model;
  return allowed.switch && (isActive || !participantId || allowed.switchTo(participantId));
}

/** The last warning in words, because not everybody sees its colour. */
function warningText(isWarned, left, state) {
  const threshold = warningAt(left, state);
  if (!isWarned || state.status !== "running" || threshold === null) return "";
  return `Under ${duration(threshold)}`;
}

/** The periods or turns left of the overtime that is in use; empty outside of overtime. */
function overtimeText(used) {
  if (!used?.inUse) return "";
  const { periodsLeft, turnsLeft } = used;
  if (periodsLeft !== undefined) return `${count(periodsLeft, "period")} left`;
  return turnsLeft === undefined ? "" : `${count(turnsLeft, "turn")} left`;
}

function pressLabel(model, state) {
  if (model.isUpward) return "Record a lap";
  if (model.isShared) return isLastStep(state) ? "End the session" : "Start the next round";
  return model.isActive ? `End the turn of ${model.name}` : `Switch to ${model.name}`;
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
