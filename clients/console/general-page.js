import { isTerminal } from "/clients/js/synckairos.js";
import { outcomeText } from "./announcements.js";
import { clockGrid } from "./clock-grid.js";
import { controls } from "./controls.js";
import { el, setText } from "./dom.js";
import { lapList } from "./lap-list.js";
import { nobodyYet } from "./nobody-yet.js";
import { participantList } from "./participant-list.js";
import { swapSeats } from "./seats.js";
import { titledDisplay } from "./titled-display.js";

/** The page of sessions without a purpose: all clocks, the participants and the controls. */
export function generalPage({ session, act, ask }) {
  const clocks = clockGrid({
    onPress: (model) => act.switchTo(model.isActive ? undefined : model.participantId),
    onMember: (id) => act.switchTo(id),
    onAdjust: (model, step) => act.adjust(model.participantId, bankOf(model, session), step),
    onGive: (model, ms) => act.give(model.participantId, ms),
  });
  const participants = participantList((id) => act.switchTo(id));
  const laps = lapList(session.id);
  const empty = nobodyYet(ask);
  const outcome = el("p", { class: "outcome" });
  const buttons = controls(act, ask, swap);
  const element = el(
    "div",
    { class: "play" },
    outcome,
    empty.element,
    el("div", { class: "clock-area" }, clocks.element, laps.element),
    participants.element,
    buttons.element,
  );

  let shown;

  function swap() {
    swapSeats(session.id);
    clocks.update(...shown);
  }

  function update(detail, names, allowed) {
    const { state } = detail;
    shown = [state, names, allowed];
    for (const part of [clocks, participants, buttons]) part.update(state, names, allowed);
    empty.update(state, allowed);
    laps.update(detail);
    setText(outcome, isTerminal(state) ? outcomeText(state, names) : "");
  }

  function draw(at) {
    participants.draw(at);
    return clocks.draw(at);
  }

  return { element, update, draw };
}

/** The same on a projector, under the session's title. */
export const generalDisplay = titledDisplay(generalPage);

/** What an adjustment starts from, ms: the time before overtime, which is 0 in overtime. */
function bankOf(model, { clock }) {
  const at = clock.now();
  return model.readOvertime?.(at)?.inUse ? 0 : (model.read(at) ?? 0);
}
