import { isTerminal } from "/clients/js/synckairos.js";
import { actionsOf } from "./actions.js";
import { allowedIn } from "./allowed.js";
import { keepDrawn } from "./animation.js";
import { announcementOf, outcomeText } from "./announcements.js";
import { clockGrid } from "./clock-grid.js";
import { connectionStatus } from "./connection-status.js";
import { controls } from "./controls.js";
import { openDialog } from "./dialogs.js";
import { el, setText } from "./dom.js";
import { periodText } from "./event-texts.js";
import { keyHints } from "./hints.js";
import { historyPanel } from "./history.js";
import { bindKeys } from "./keyboard.js";
import { lapList } from "./lap-list.js";
import { modeOf } from "./modes.js";
import { nameBook } from "./names.js";
import { announce, notify } from "./notifications.js";
import { participantList } from "./participant-list.js";
import { fullScreen, shareButtons } from "./share-buttons.js";
import { showUnavailable } from "./unavailable.js";

/** The live view of a session: clocks, controls, history and the state of the connection. */
export function sessionView(page, session) {
  const act = actionsOf(session, notify);
  const share = shareButtons(notify);
  const connection = connectionStatus(session);
  const parts = partsOf(session, act);
  const hints = keyHints();
  const namesOf = nameBook();
  let shown = "";

  function onUpdate({ detail }) {
    const { state, previous } = detail;
    const names = namesOf(state);
    const allowed = allowedIn(state);
    showPresence();
    document.title = `${names.title} · SyncKairos`;
    page.title.replaceChildren(...titleOf(state, names));
    for (const part of [parts.clocks, parts.participants, parts.controls, parts.history]) {
      part.update(state, names, allowed);
    }
    hints.update(allowed);
    parts.laps.update(detail);
    setText(parts.outcome, isTerminal(state) ? outcomeText(state, names) : "");
    announce(announcementOf(state, previous, names));
    document.body.dataset.status = state.status;
    drawing.redraw();
  }

  function onPeriod({ detail }) {
    if (!session.state) return;
    const words = (names) => periodText(detail, names);
    parts.history.addNote(words);
    announce(`${words(namesOf(session.state))}.`);
  }

  function showPresence() {
    const { presence, problem } = session;
    const now = presence === "unknown" && problem ? `${presence} ${problem.status}` : presence;
    if (now === shown) return;
    shown = now;
    if (shown === "present") showClocks(page, parts);
    else showUnavailable(page, session);
    if (shown === "deleted") stop();
  }

  function stop() {
    session.close();
    parts.history.stop();
  }

  /** Return the ms until a clock's display changes. */
  function draw() {
    connection.draw();
    if (!session.state) return Infinity;
    const at = session.clock.now();
    for (const part of [parts.participants, parts.history]) part.draw(at);
    return parts.clocks.draw(at);
  }

  session.addEventListener("connection", showPresence);
  session.addEventListener("update", onUpdate);
  session.addEventListener("period", onPeriod);
  page.links.replaceChildren(...share.elements);
  page.bottom.replaceChildren(connection.element, hints.element);
  document.body.dataset.view = "session";
  showPresence();
  const drawing = keepDrawn(draw);
  const { state } = session;
  if (state) onUpdate({ detail: { state, previous: null, isNext: false } });
  const undo = () => {
    if (session.state && allowedIn(session.state).undo) openDialog("undo", session, act);
  };
  const unbindKeys = bindKeys(session, act, { fullScreen, copyLink: share.copyLink, undo });
  return () => {
    session.removeEventListener("connection", showPresence);
    session.removeEventListener("update", onUpdate);
    session.removeEventListener("period", onPeriod);
    stop();
    drawing.stop();
    unbindKeys();
    document.body.removeAttribute("data-status");
  };
}

function partsOf(session, act) {
  return {
    clocks: clockGrid({
      onPress: (model) => act.switchTo(model.isActive ? undefined : model.participantId),
      onMember: (id) => act.switchTo(id),
      onAdjust: (model, step) => act.adjust(model.participantId, bankOf(model, session), step),
      onGive: (model, ms) => act.give(model.participantId, ms),
    }),
    participants: participantList((id) => act.switchTo(id)),
    laps: lapList(session.id),
    outcome: el("p", { class: "outcome" }),
    controls: controls(act, (name) => openDialog(name, session, act)),
    history: historyPanel(session),
  };
}

/** What an adjustment starts from, ms: the time before overtime, which is 0 in overtime. */
function bankOf(model, { clock }) {
  const at = clock.now();
  return model.readOvertime?.(at)?.inUse ? 0 : (model.read(at) ?? 0);
}

/** A session without a title of its own has the name of its mode, which is shown once. */
function titleOf({ sync_mode: mode, status }, { title }) {
  const { name } = modeOf(mode);
  return [
    el("strong", { title }, title),
    ...(title === name ? [] : [el("span", { class: "top-mode", title: name }, name)]),
    el("span", { class: "pill", data: { status } }, status),
  ];
}

function showClocks(page, parts) {
  const { clocks, laps, participants, outcome } = parts;
  page.main.replaceChildren(
    el(
      "div",
      { class: "session" },
      el(
        "div",
        { class: "play" },
        outcome,
        el("div", { class: "clock-area" }, clocks.element, laps.element),
        participants.element,
        parts.controls.element,
      ),
      parts.history.element,
    ),
  );
}
