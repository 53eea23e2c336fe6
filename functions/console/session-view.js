import { isTerminal } from "/clients/js/synckairos.js";
import { actionsOf } from "./actions.js";
import { announce, notify } from "./announcing.js";
import { controls } from "./controls.js";
import { deadEnd } from "./dead-end.js";
import { openDialog } from "./dialogs.js";
import { el, setText } from "./dom.js";
import { everyFrame } from "./drawing.js";
import { bindKeys } from "./keyboard.js";
import { lapList } from "./lap-list.js";
import { modeOf } from "./modes.js";
import { namingOf } from "./naming.js";
import { ending, newsOf } from "./news.js";
import { roster } from "./roster.js";
import { fullScreen, sharing } from "./sharing.js";
import { stage } from "./stage.js";
import { syncBadge } from "./sync-badge.js";
import { refusalInWords } from "./wording.js";

const HINTS = [
  ["Space", "next"],
  ["P", "pause"],
  ["1–9", "choose"],
  ["F", "full screen"],
];

/** One session, live: the clocks, what can be done to them, and how well they are in step. */
export function sessionView(page, { session, api, clock }) {
  const act = actionsOf({ session, api, clock, notify });
  const share = sharing(notify);
  const badge = syncBadge(session, clock);
  const parts = {
    stage: stage({
      onPress: (model) => act.switchTo(model.isActive ? undefined : model.participantId),
      onMember: (id) => act.switchTo(id),
      onAdjust: (model, step) => act.adjust(model.participantId, step),
    }),
    roster: roster((id) => act.switchTo(id)),
    laps: lapList(session.id),
    outcome: el("p", { class: "outcome" }),
    controls: controls(act, (name) => openDialog(name, session, act)),
  };

  function onState({ detail }) {
    const { state, previous } = detail;
    const naming = namingOf(state);
    document.title = `${naming.title} · SyncKairos`;
    page.title.replaceChildren(
      el("strong", {}, naming.title),
      el("span", { class: "top-mode" }, modeOf(state.sync_mode).name),
      el("span", { class: "pill", data: { status: state.status } }, state.status),
    );
    parts.stage.update(state, naming);
    parts.roster.update(state, naming);
    parts.laps.update(detail);
    parts.controls.update(state);
    setText(parts.outcome, isTerminal(state) ? ending(state, naming) : "");
    announce(newsOf(state, previous, naming));
    document.body.dataset.status = state.status;
  }

  function onPresence() {
    if (session.presence === "present") showClocks(page, parts);
    else showLobby(page, session);
  }

  function draw() {
    badge.draw();
    if (!session.state) return;
    const at = clock.now();
    parts.stage.draw(at);
    parts.roster.draw(at);
  }

  session.addEventListener("presence", onPresence);
  session.addEventListener("state", onState);
  page.links.replaceChildren(...share.elements);
  page.bottom.replaceChildren(badge.element, hints());
  document.body.dataset.view = "session";
  showLobby(page, session);
  const stopDrawing = everyFrame(draw);
  const unbindKeys = bindKeys(session, act, { fullScreen, copyLink: share.copyLink });
  return () => {
    session.stop();
    stopDrawing();
    unbindKeys();
    document.body.removeAttribute("data-status");
  };
}

function showClocks(page, { stage: wall, roster: people, laps, outcome, controls: buttons }) {
  page.main.replaceChildren(
    el(
      "div",
      { class: "session" },
      outcome,
      el("div", { class: "wall" }, wall.element, laps.element),
      people.element,
      buttons.element,
    ),
  );
}

function showLobby(page, session) {
  page.title.replaceChildren();
  document.body.removeAttribute("data-status");
  if (session.presence === "unknown") deadEnd(page, "One moment", "Looking for the session.");
  else if (session.presence === "refused") deadEnd(page, ...refusalInWords(session.refusal));
  else if (session.presence === "deleted") {
    deadEnd(page, "This session was deleted", "Somebody who follows it removed it for everybody.");
  } else {
    const href = `/?create=${session.id}`;
    const here = el("a", { class: "button primary", href }, "Create it here");
    const words = "This page comes alive the moment the session is created. Leave it open.";
    deadEnd(page, "Nothing here yet", words, here);
  }
}

function hints() {
  const hint = ([key, does]) => el("span", {}, el("kbd", {}, key), does);
  return el("p", { class: "hints" }, ...HINTS.map(hint));
}
