import { SyncKairos } from "/clients/js/synckairos.js";
import { mayCreate } from "./allowed.js";
import { distinct } from "./distinct.js";
import { el, icon, setText } from "./dom.js";
import { whenOpened } from "./format.js";
import { kindOf } from "./purposes.js";
import { dropTokens, forget, forgetAll, noteStatuses, recentSessions } from "./recent-sessions.js";
import { hasToken } from "./token.js";

const SHOWN_AT_FIRST = 3;
const MOST_LISTED = 20;
const MOST_READ = 50;
const ROLES = {
  host: "Host",
  cohost: "Host",
  service: "Host",
  participant: "Taking part",
  spectator: "Watching",
};

/**
 * The sessions that this browser has opened and, with a host's token, the host's others. Their status
 * is read from the service for those that are shown. Without any, the element is hidden and has no buttons.
 */
export function recentList(client) {
  const list = el("ul", { class: "recent-list" });
  const more = el("button", { type: "button", class: "quiet", onclick: showAll }, "Show all");
  const clear = el("button", { type: "button", class: "quiet", onclick: onClear }, "Clear the list");
  const actions = el("p", { class: "recent-actions" }, more, clear);
  const element = el("section", { class: "recent", hidden: true, "aria-label": "Your sessions" });
  element.append(el("h2", {}, "Your sessions"), list);
  const read = new Set(); // the ids whose status was read
  let owned = [];
  let isWhole = false;

  function show() {
    const known = recentSessions();
    const ids = new Set(known.map(({ id }) => id));
    const all = [...known, ...owned.filter(({ id }) => !ids.has(id))];
    const shown = isWhole ? all : all.slice(0, SHOWN_AT_FIRST);
    element.hidden = all.length === 0;
    if (element.hidden) actions.remove();
    else if (!actions.parentNode) element.append(actions);
    more.hidden = shown.length === all.length;
    setText(more, `Show all ${all.length}`);
    clear.hidden = known.length === 0;
    const labels = labelsOf(shown);
    list.replaceChildren(...shown.map((one, n) => row(one, labels[n], ids.has(one.id))));
    return shown;
  }

  function row(one, label, isKept) {
    const remover = el(
      "button",
      {
        type: "button",
        class: "quiet icon-only",
        onclick: () => (forget(one.id), update()),
        "aria-label": `Remove ${label} from the list`,
      },
      icon("remove"),
    );
    const link = () => el("a", { href: `/?session=${one.id}`, "aria-label": label }, one.title);
    return el(
      "li",
      {},
      el(
        "div",
        { class: "recent-words" },
        mayOpen(one) ? link() : el("span", {}, one.title),
        el("span", { class: "recent-facts" }, factsOf(one).join(" · ")),
      ),
      el("span", { class: "pill", data: { status: one.status } }, wordsOf(one)),
      isKept && remover,
    );
  }

  function showAll() {
    isWhole = true;
    update();
    list.querySelectorAll("a")[SHOWN_AT_FIRST]?.focus();
  }

  function onClear() {
    forgetAll();
    update();
  }

  /** Show the list, and then what the service says about its sessions. */
  async function update() {
    const unread = show().filter((one) => isReadable(one) && !read.has(one.id));
    for (const { id } of unread) read.add(id);
    await Promise.all(groupsOf(unread).map(([token, ids]) => readStatus(token, ids)));
    if (unread.length) show();
  }

  async function readStatus(token, ids) {
    const reader = token === undefined ? client : new SyncKairos({ token });
    try {
      const { sessions, not_found: gone } = await reader.batch(ids.slice(0, MOST_READ));
      const found = sessions.map(({ session_id: id, status }) => [id, status]);
      noteStatuses([...found, ...gone.map((id) => [id, "deleted"])]);
    } catch (error) {
      if (error.status === 401) dropTokens(ids);
    } finally {
      if (reader !== client) reader.close();
    }
  }

  async function addOwned() {
    if (!hasToken() || !mayCreate()) return;
    try {
      const { sessions } = await client.listPage({ limit: MOST_LISTED });
      owned = sessions.map(entryOf);
      for (const { id } of owned) read.add(id);
      noteStatuses(owned.map(({ id, status }) => [id, status]));
      show();
    } catch {
      /* the sessions of this browser are shown all the same */
    }
  }

  addOwned().then(update);
  show();
  return element;
}

function factsOf(one) {
  return [ROLES[one.role], timeOf(one), one.kind !== one.title && one.kind].filter(Boolean);
}

/** Their titles, with the facts of those that have the same one. */
function labelsOf(sessions) {
  const isAlone = ({ title }) => sessions.filter((one) => one.title === title).length === 1;
  return distinct(
    sessions.map((one) => (isAlone(one) ? one.title : [one.title, ...factsOf(one)].join(", "))),
  );
}

function entryOf({ session_id: id, sync_mode: mode, metadata, status, updated_at: at }) {
  const kind = kindOf({ sync_mode: mode, metadata });
  const { title } = metadata ?? {};
  return {
    id,
    title: typeof title === "string" && title ? title : kind,
    kind,
    status,
    role: "host",
    openedAt: Date.parse(at),
  };
}

/** Whether this tab can open the session: with its own token, a kept one, or without any. */
function mayOpen({ role, token, status }) {
  if (status === "deleted") return false;
  return !role || Boolean(token) || (hasToken() && mayCreate());
}

/**
 * Whether this browser can read the session's status: with the token kept for it, or without one if
 * the service needs none. With the token of another host the service would answer that there is no
 * such session.
 */
function isReadable({ role, token, status }) {
  return status !== "deleted" && (!role || Boolean(token));
}

/** The ids by the token with which to read them; undefined: none is needed. */
function groupsOf(sessions) {
  const groups = new Map();
  for (const { id, token } of sessions) groups.set(token, [...(groups.get(token) ?? []), id]);
  return [...groups];
}

function wordsOf(one) {
  if (one.status === "deleted") return "no longer exists";
  return mayOpen(one) ? one.status : `${one.status}, link not kept`;
}

function timeOf({ openedAt }) {
  return Number.isFinite(openedAt) ? whenOpened(openedAt) : "";
}
