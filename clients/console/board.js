import { keepDrawn } from "/clients/js/drawing.js";
import { boardForm } from "./board-form.js";
import { MOST_SESSIONS, takeSessions } from "./board-address.js";
import { boardGrid } from "./board-grid.js";
import { connect } from "./connect.js";
import { isDisplay } from "./display.js";
import { el } from "./dom.js";
import { fullScreen } from "./full-screen.js";
import { mayBeShortcut } from "./keyboard.js";
import { messagePage } from "./message-page.js";
import { bindToggle } from "./theme.js";
import { takeToken } from "./token.js";
import { wakeLock } from "./wake-lock.js";

const main = document.getElementById("main");
const links = document.getElementById("links");
const awake = wakeLock();
let leave = () => {};

/** Show the sessions of the address, or the form that makes a board. */
function route() {
  leave();
  leave = () => {};
  links.replaceChildren();
  const sessions = takeSessions();
  document.body.dataset.view = isDisplay() && sessions.length ? "display" : "board";
  if (!sessions.length || location.hash === "#change") {
    const client = connect(takeToken());
    main.replaceChildren(boardForm(client, sessions, open));
    leave = () => client.close();
  } else if (sessions.length > MOST_SESSIONS) {
    const words = `This address has ${sessions.length} sessions. A board shows at most ${MOST_SESSIONS}.`;
    messagePage({ main }, "Too many sessions", words);
  } else showSessions(sessions);
}

function showSessions(sessions) {
  const grid = boardGrid(sessions);
  main.replaceChildren(grid.element);
  const drawing = keepDrawn(grid.draw);
  grid.follow(() => {
    awake.want(grid.isAnyRunning());
    drawing.redraw();
  });
  links.replaceChildren(
    el("a", { class: "button quiet", href: "#change" }, "Change"),
    el("button", { type: "button", class: "quiet", onclick: fullScreen }, "Full screen"),
  );
  leave = () => {
    awake.want(false);
    drawing.stop();
    grid.stop();
  };
}

function open(link) {
  history.pushState(null, "", link);
  route();
}

addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "f" && mayBeShortcut(event)) fullScreen();
});
addEventListener("popstate", route);
bindToggle(document.getElementById("theme"));
route();
