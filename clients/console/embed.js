import { isUuid } from "/clients/js/ids.js";
import { keepDrawn } from "/clients/js/drawing.js";
import { clockTile } from "./clock-tile.js";
import { connect } from "./connect.js";
import { el } from "./dom.js";
import { INCOMPLETE_LINK } from "./error-texts.js";
import { fragmentOf } from "./session-link.js";
import { wakeLock } from "./wake-lock.js";

/**
 * The page `/embed?session=<id>`: the clocks of a session alone, for a frame in another page or for a
 * video. `participant=` or `group=` chooses one clock. The token is in the fragment and stays there,
 * because several frames of a page, each with a token of its own, share one storage.
 */
const MOST = 12;
const query = new URLSearchParams(location.search);
const main = document.getElementById("main");
const id = query.get("session") ?? "";

function show() {
  const token = fragmentOf().get("token") ?? undefined;
  const session = connect(token).session(id);
  const title = el("h1", { class: "unseen" }, "Clocks");
  const awake = wakeLock();
  const chosen = query.get("participant") ?? query.get("group");
  const tile = clockTile(session, { title, chosen, most: MOST });
  main.replaceChildren(tile.element);
  const drawing = keepDrawn(tile.draw);
  tile.follow(() => {
    // Browsers refuse it to a frame, unless the page around it allows it.
    awake.want(window === top && session.state?.status === "running");
    drawing.redraw();
  });
}

if (isUuid(id)) show();
else {
  const [title, words] = INCOMPLETE_LINK;
  const parts = [el("h1", {}, title), el("p", {}, words)];
  main.replaceChildren(el("section", { class: "message-page" }, ...parts));
}
