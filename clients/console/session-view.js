import { actionsOf } from "./actions.js";
import { alerts } from "./alerts.js";
import { allowedIn } from "./allowed.js";
import { keepDrawn } from "/clients/js/drawing.js";
import { announcementOf } from "./announcements.js";
import { connectionStatus } from "./connection-status.js";
import { openDialog } from "./dialogs.js";
import { isDisplay } from "./display.js";
import { el } from "./dom.js";
import { periodText } from "./event-texts.js";
import { fullScreen } from "./full-screen.js";
import { generalDisplay, generalPage } from "./general-page.js";
import { keyHints } from "./hints.js";
import { historyPanel } from "./history.js";
import { bindKeys } from "./keyboard.js";
import { nameBook } from "./names.js";
import { announce, notify } from "./notifications.js";
import { kindOf, purposeOf } from "./purposes.js";
import { remembering } from "./remember.js";
import { sharing } from "./share-buttons.js";
import { showUnavailable } from "./unavailable.js";
import { wakeLock } from "./wake-lock.js";

/**
 * The live view of a session: clocks, controls, history and the state of the connection.
 * `create(body)` creates another session and opens it.
 */
export function sessionView(page, session, create) {
  const ask = (name, id) => openDialog(name, session, act, id);
  const act = actionsOf(session, notify, create, ask);
  const share = sharing(session);
  const connection = connectionStatus(session);
  const tools = { session, act, ask };
  const history = historyPanel(session);
  const hints = keyHints();
  const namesOf = nameBook();
  const stopAlerts = alerts(session, namesOf);
  const awake = wakeLock();
  const remember = remembering(session);
  let shown = "";
  let makePage;
  let shownPage;

  function onUpdate({ detail }) {
    const { state, previous } = detail;
    const names = namesOf(state);
    const allowed = allowedIn(state);
    choosePage(state);
    showExistence();
    document.title = `${names.title} · SyncKairos`;
    page.title.replaceChildren(...titleOf(state, names));
    shownPage.update(detail, names, allowed);
    if (!isDisplay()) {
      history.update(state, names, allowed);
      remember.update(state, names);
    }
    hints.update(state, allowed);
    announce(announcementOf(state, previous, names));
    document.body.dataset.status = state.status;
    awake.want(state.status === "running");
    drawing.redraw();
  }

  /** Make the page of the session's purpose. It is kept until the purpose changes. */
  function choosePage(state) {
    const purpose = purposeOf(state);
    const { page: own, display } = purpose ?? { page: generalPage, display: generalDisplay };
    const wanted = isDisplay() ? display : own;
    if (wanted === makePage) return;
    makePage = wanted;
    shownPage = makePage(tools);
    history.place(Boolean(purpose?.isWide));
    shown = "";
  }

  function onPeriod({ detail }) {
    if (!session.state) return;
    const words = (names) => periodText(detail, names);
    if (!isDisplay()) history.addNote(words);
    announce(`${words(namesOf(session.state))}.`);
  }

  function showExistence() {
    const { existence, problem } = session;
    const now = existence === "unknown" && problem ? `${existence} ${problem.status}` : existence;
    const isEarly = existence === "present" && !shownPage; // the first update follows
    if (now === shown || isEarly) return;
    shown = now;
    share.show(shown === "present");
    if (shown === "present") showPage(page, shownPage, history);
    else showUnavailable(page, session);
    if (shown === "deleted") {
      remember.deleted();
      stop();
    }
  }

  function stop() {
    session.close();
    history.stop();
  }

  /** Return the ms until a clock's display changes. */
  function draw() {
    connection.draw();
    if (!session.state || !shownPage) return Infinity;
    const at = session.clock.now();
    if (!isDisplay()) history.draw(at);
    return shownPage.draw(at) ?? Infinity;
  }

  session.addEventListener("connection", showExistence);
  session.addEventListener("update", onUpdate);
  session.addEventListener("period", onPeriod);
  page.links.replaceChildren(...share.elements);
  page.bottom.replaceChildren(connection.element, hints.element);
  document.body.dataset.view = isDisplay() ? "display" : "session";
  showExistence();
  const drawing = keepDrawn(draw);
  const { state } = session;
  if (state) onUpdate({ detail: { state, previous: null, isNext: false } });
  const undo = () => {
    if (session.state && allowedIn(session.state).undo) ask("undo");
  };
  const unbindKeys = bindKeys(session, act, { fullScreen, share: share.open, undo });
  return () => {
    session.removeEventListener("connection", showExistence);
    session.removeEventListener("update", onUpdate);
    session.removeEventListener("period", onPeriod);
    stop();
    stopAlerts();
    awake.stop();
    drawing.stop();
    unbindKeys();
    document.body.removeAttribute("data-status");
  };
}

/** A session without a title of its own has the name of its mode, which is shown once. */
function titleOf(state, { title }) {
  const { status } = state;
  const kind = kindOf(state);
  return [
    el("h1", { title, dir: "auto" }, title),
    ...(title === kind ? [] : [el("span", { class: "top-mode", title: kind }, kind)]),
    el("span", { class: "pill", data: { status } }, status),
  ];
}

function showPage(page, { element }, history) {
  const panel = isDisplay() ? [] : [history.element];
  page.main.replaceChildren(el("div", { class: "session" }, element, ...panel));
}
