import { el, setText } from "./dom.js";
import { actorText, eventText, clockText } from "./event-texts.js";

const TROUBLE = {
  loading: "Loading …",
  forbidden: "Only the host of a session can see what happened.",
};

/** The audit trail as a list, newest first. */
export function trailList(trail) {
  let items = new Map();
  let createdAt;
  const list = el("ol", { class: "trail-events", reversed: true });
  const trouble = el("p", { class: "trail-trouble" });
  const more = el(
    "button",
    { type: "button", class: "trail-more", onclick: () => trail.loadEarlier() },
    "Earlier …",
  );
  const element = el("div", { class: "trail" }, trouble, list, more);

  /** Show the events that the trail has loaded. */
  function update(state, names) {
    const hasDropped = trail.events[0]?.version > items.keys().next().value;
    if (state.created_at !== createdAt || hasDropped) clear();
    createdAt = state.created_at;
    const newest = list.firstElementChild;
    let older = null;
    for (const event of trail.events) {
      if (!items.has(event.version)) {
        const item = itemOf(event, state, names);
        item.classList.toggle("fresh", Boolean(newest) && older === list.firstElementChild);
        list.insertBefore(item, older);
        items.set(event.version, item);
      }
      older = items.get(event.version);
    }
    explain();
  }

  /** For a session that was deleted and created again, or a trail that dropped old events. */
  function clear() {
    items = new Map();
    list.replaceChildren();
  }

  function explain() {
    const { status, reason, events, isComplete } = trail;
    more.hidden = isComplete || !events.length;
    if (status === "away") setText(trouble, `${reason}.`);
    else setText(trouble, events.length ? "" : (TROUBLE[status] ?? ""));
  }

  return { element, update };
}

function itemOf(event, state, names) {
  const at = new Date(event.occurred_at);
  const facts = [actorText(event.actor, names), clockText(event, state)];
  return el(
    "li",
    { value: event.version, data: { event: event.event } },
    el("p", { class: "event-text" }, eventText(event, state, names)),
    el(
      "p",
      { class: "event-facts" },
      el("time", { dateTime: event.occurred_at, title: at.toLocaleString() }, timeOfDay(at)),
      ...facts.map((fact) => fact && el("span", {}, fact)),
    ),
  );
}

function timeOfDay(at) {
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
