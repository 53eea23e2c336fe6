import { Api, LiveSession, ServerClock } from "/clients/js/synckairos.js";
import { createForm } from "./create-form.js";
import { deadEnd } from "./dead-end.js";
import { sessionView } from "./session-view.js";
import { bindToggle } from "./theme.js";
import { takeToken } from "./token.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const api = new Api({ token: takeToken() });
const clock = new ServerClock({ read: () => api.time() });
const page = {
  main: document.getElementById("main"),
  title: document.getElementById("title"),
  links: document.getElementById("links"),
  bottom: document.getElementById("bottom"),
};
let leave = () => {};

/** Show what the address names: `?session=<id>`, or the form that makes one. */
function route(created) {
  leave();
  for (const part of Object.values(page)) part.replaceChildren();
  document.body.removeAttribute("data-view");
  const query = new URLSearchParams(location.search);
  const id = query.get("session");
  if (id === null) showForm(query.get("create"));
  else if (UUID.test(id)) showSession(id.toLowerCase(), created);
  else leave = deadEnd(page, "This link isn't a session", "Its address may have been cut short.");
}

function showForm(wantedId) {
  document.title = "SyncKairos";
  leave = createForm(page, { api, sessionId: wantedId, onCreated: open });
}

function showSession(id, created) {
  const session = new LiveSession(id, { api, clock });
  leave = sessionView(page, { session, api, clock });
  if (created) session.accept(created);
  session.start();
}

function open(state) {
  history.pushState(null, "", `/?session=${state.session_id}`);
  route(state);
}

bindToggle(document.getElementById("theme"));
addEventListener("popstate", () => {
  api.token = takeToken();
  route();
});
clock.start();
route();
