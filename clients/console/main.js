import { isUuid } from "/clients/js/ids.js";
import { showColour } from "./alert-settings.js";
import { mayCreate, mayHost } from "./allowed.js";
import { connect } from "./connect.js";
import { createForm } from "./create-form.js";
import { el } from "./dom.js";
import { INCOMPLETE_LINK, refusalText } from "./error-texts.js";
import { joinPage } from "./join-page.js";
import { messagePage } from "./message-page.js";
import { recentList } from "./recent-list.js";
import { sessionView } from "./session-view.js";
import { bindToggle } from "./theme.js";
import { takeToken } from "./token.js";

const page = {
  main: document.getElementById("main"),
  title: document.getElementById("title"),
  links: document.getElementById("links"),
  bottom: document.getElementById("bottom"),
};
const brand = document.getElementById("brand");
let leave = () => {};
let token = takeToken();
let client = connect(token);

/** Show the session of the address (`?session=<id>`), the page for codes, or the form. */
function route() {
  leave();
  for (const part of Object.values(page)) part.replaceChildren();
  document.body.removeAttribute("data-view");
  brand.toggleAttribute("inert", !mayCreate());
  if (location.pathname === "/join") {
    leave = joinPage(page, client);
    return;
  }
  const query = new URLSearchParams(location.search);
  const id = query.get("session");
  if (id === null) showForm(query.get("create"));
  else if (isUuid(id)) showSession(id.toLowerCase());
  else leave = messagePage(page, ...INCOMPLETE_LINK);
}

function showForm(wantedId) {
  document.title = "SyncKairos";
  if (!mayCreate()) {
    leave = messagePage(page, ...refusalText({ status: 403 }));
    page.main.append(el("div", { class: "recent-page" }, recentList(client)));
    return;
  }
  leave = createForm(page, { client, sessionId: wantedId, onCreated: show });
}

function showSession(id) {
  const session = client.session(id);
  leave = sessionView(page, session, async (body) => show(await client.create(body)));
  session.open({ presence: mayHost() }).catch(() => {}); // the view shows the problem
}

function show({ id }) {
  history.pushState(null, "", `/?session=${id}`);
  route();
}

showColour();
bindToggle(document.getElementById("theme"));
addEventListener("popstate", () => {
  const old = { client, token };
  token = takeToken();
  if (token !== old.token) client = connect(token);
  route();
  if (client !== old.client) old.client.close();
});
route();
