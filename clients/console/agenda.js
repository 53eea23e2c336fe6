import { distinct } from "./distinct.js";
import { el, setFlag, setText } from "./dom.js";
import { duration } from "./format.js";
import { listFollower } from "./in-view.js";
import { agendaOf } from "./programme.js";

/** The items of a programme with their planned and used times; `onGo(id)` begins one. */
export function agenda(onGo) {
  const rows = new Map();
  const list = el("ol", { class: "agenda-list" });
  const element = el(
    "section",
    { class: "agenda", "aria-label": "Agenda" },
    el(
      "p",
      { class: "agenda-head", "aria-hidden": "true" },
      el("span", {}, "Item"),
      el("span", {}, "Planned"),
      el("span", {}, "Used"),
    ),
    list,
  );
  const follow = listFollower(element);
  let items = [];

  function update(state, allowed) {
    items = agendaOf(state);
    const labels = distinct(items.map(({ title }) => title));
    items.forEach((item, position) => {
      if (!rows.has(item.id)) rows.set(item.id, addRow(item));
      rows.get(item.id).update(item, labels[position], allowed);
    });
  }

  function addRow(item) {
    const row = agendaRow(() => onGo(item.id));
    list.append(row.element);
    return row;
  }

  function draw(at) {
    for (const item of items) rows.get(item.id).draw(item, at);
    follow(rows.get(items.find((item) => item.isCurrent)?.id)?.element);
  }

  return { element, update, draw };
}

function agendaRow(onGo) {
  const title = el("span", { class: "agenda-title" });
  const go = el("button", { type: "button", class: "agenda-go", onclick: onGo });
  const planned = el("span", { class: "agenda-time" });
  const used = el("span", { class: "agenda-time agenda-used" });
  const bar = el("span", { class: "agenda-bar", "aria-hidden": "true" });
  const element = el(
    "li",
    { class: "agenda-row" },
    title,
    go,
    el("span", { class: "unseen" }, "planned"),
    planned,
    el("span", { class: "unseen" }, "used"),
    used,
    bar,
  );

  function update(item, label, allowed) {
    const mayGo = allowed.go && !item.isCurrent;
    setText(title, item.title);
    setText(go, item.title);
    go.setAttribute("aria-label", `Go to ${label}`);
    title.hidden = mayGo;
    go.hidden = !mayGo;
    setText(planned, duration(item.plannedMs));
    setFlag(element, "current", item.isCurrent);
    setFlag(element, "done", item.isDone);
    setFlag(element, "break", item.isBreak);
    if (item.isCurrent) element.setAttribute("aria-current", "step");
    else element.removeAttribute("aria-current");
  }

  function draw(item, at) {
    const ms = Math.floor(item.readUsed(at) / 1000) * 1000;
    setText(used, ms || item.isCurrent || item.isDone ? duration(ms) : "–");
    setFlag(element, "over", ms > item.plannedMs);
    const share = Math.min(1, item.readUsed(at) / item.plannedMs).toFixed(3);
    if (bar.dataset.share === share) return;
    bar.dataset.share = share;
    bar.style.setProperty("--share", share);
  }

  return { element, update, draw };
}
