import { el, setText } from "./dom.js";
import { actorText, eventText, clockText } from "./event-texts.js";

const TROUBLE = {
  loading: "Loading …",
  forbidden: "Only the host of a session can see what happened.",
};

/** The audit trail as a list, newest first, with notes about what isn't in the trail. */
export function trailList(trail) {
  let items = new Map();
  let notes = [];
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
      older = place(event.version, older, newest, () => itemOf(event, state, names));
      for (const note of notes.filter(({ version }) => version === event.version)) {
        older = place(note, older, newest, () => noteItem(note));
      }
    }
    explain();
  }

  /** Insert the item of `key` above `older`, unless it is there already; return it. */
  function place(key, older, newest, create) {
    if (!items.has(key)) {
      const item = create();
      item.classList.toggle("fresh", Boolean(newest) && older === list.firstElementChild);
      list.insertBefore(item, older);
      items.set(key, item);
    }
    return items.get(key);
  }

  /** Show `words` above the event that created `version`, once that is loaded. */
  function addNote(version, words) {
    notes.push({ version, words, at: new Date() });
  }

  /** For a session that was deleted and created again, or a trail that dropped old events. */
  function clear() {
    items = new Map();
    list.replaceChildren();
    const [oldest] = trail.events;
    notes = notes.filter(({ version }) => version >= oldest?.version);
  }

  function explain() {
    const { status, reason, events, isComplete } = trail;
    more.hidden = isComplete || !events.length;
    if (status === "away") setText(trouble, `${reason}.`);
    else setText(trouble, events.length ? "" : (TROUBLE[status] ?? ""));
  }

  return { element, update, addNote };
}

function noteItem({ words, at }) {
  return el(
    "li",
    { data: { event: "note" } },
    el("p", { class: "event-text" }, words),
    el("p", { class: "event-facts" }, timeElement(at)),
  );
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
      timeElement(at),
      ...facts.map((fact) => fact && el("span", {}, fact)),
    ),
  );
}

function timeElement(at) {
  return el("time", { dateTime: at.toISOString(), title: at.toLocaleString() }, timeOfDay(at));
}

function timeOfDay(at) {
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
