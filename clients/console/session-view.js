import { isTerminal } from "/clients/js/synckairos.js";
import { actionsOf } from "./actions.js";
import { announce, notify } from "./announcing.js";
import { controls } from "./controls.js";
import { openDialog } from "./dialogs.js";
import { el, setText } from "./dom.js";
import { everyFrame } from "./drawing.js";
import { bindKeys } from "./keyboard.js";
import { lapList } from "./lap-list.js";
import { showLobby } from "./lobby.js";
import { modeOf } from "./modes.js";
import { namingOf } from "./naming.js";
import { ending, newsOf } from "./news.js";
import { roster } from "./roster.js";
import { fullScreen, sharing } from "./sharing.js";
import { stage } from "./stage.js";
import { story } from "./story.js";
import { syncBadge } from "./sync-badge.js";

const HINTS = [
  ["Space", "next"],
  ["P", "pause"],
  ["1–9", "choose"],
  ["F", "full screen"],
];

/** The live view of a session: clocks, controls, history and the state of the connection. */
export function sessionView(page, session) {
  const act = actionsOf(session, notify);
  const share = sharing(notify);
  const badge = syncBadge(session);
  const parts = partsOf(session, act);
  let shown = "";

  function onUpdate({ detail }) {
    const { state, previous } = detail;
    const naming = namingOf(state);
    showPresence();
    document.title = `${naming.title} · SyncKairos`;
    page.title.replaceChildren(
      el("strong", {}, naming.title),
      el("span", { class: "top-mode" }, modeOf(state.sync_mode).name),
      el("span", { class: "pill", data: { status: state.status } }, state.status),
    );
    for (const part of [parts.stage, parts.roster, parts.controls, parts.story]) {
      part.update(state, naming);
    }
    parts.laps.update(detail);
    setText(parts.outcome, isTerminal(state) ? ending(state, naming) : "");
    announce(newsOf(state, previous, naming));
    document.body.dataset.status = state.status;
  }

  function showPresence() {
    const { presence, problem } = session;
    const now = presence === "unknown" && problem ? `${presence} ${problem.status}` : presence;
    if (now === shown) return;
    shown = now;
    if (shown === "present") showClocks(page, parts);
    else showLobby(page, session);
    if (shown === "deleted") stop();
  }

  function stop() {
    session.close();
    parts.story.stop();
  }

  function draw() {
    badge.draw();
    if (!session.state) return;
    const at = session.clock.now();
    for (const part of [parts.stage, parts.roster, parts.story]) part.draw(at);
  }

  session.addEventListener("connection", showPresence);
  session.addEventListener("update", onUpdate);
  page.links.replaceChildren(...share.elements);
  page.bottom.replaceChildren(badge.element, hints());
  document.body.dataset.view = "session";
  showPresence();
  const { state } = session;
  if (state) onUpdate({ detail: { state, previous: null, isNext: false } });
  const stopDrawing = everyFrame(draw);
  const unbindKeys = bindKeys(session, act, { fullScreen, copyLink: share.copyLink });
  return () => {
    session.removeEventListener("connection", showPresence);
    session.removeEventListener("update", onUpdate);
    stop();
    stopDrawing();
    unbindKeys();
    document.body.removeAttribute("data-status");
  };
}

function partsOf(session, act) {
  return {
    stage: stage({
      onPress: (model) => act.switchTo(model.isActive ? undefined : model.participantId),
      onMember: (id) => act.switchTo(id),
      onAdjust: (model, step) => act.adjust(model.participantId, step),
    }),
    roster: roster((id) => act.switchTo(id)),
    laps: lapList(session.id),
    outcome: el("p", { class: "outcome" }),
    controls: controls(act, (name) => openDialog(name, session, act)),
    story: story((after, limit) => session.events(after, limit)),
  };
}

function showClocks(page, parts) {
  const { stage: wall, roster: people, laps, outcome, controls: buttons, story: past } = parts;
  page.main.replaceChildren(
    el(
      "div",
      { class: "session" },
      el(
        "div",
        { class: "play" },
        outcome,
        el("div", { class: "wall" }, wall.element, laps.element),
        people.element,
        buttons.element,
      ),
      past.element,
    ),
  );
}

function hints() {
  const hint = ([key, does]) => el("span", {}, el("kbd", {}, key), does);
  return el("p", { class: "hints" }, ...HINTS.map(hint));
}
