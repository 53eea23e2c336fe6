import { el, setText } from "./dom.js";
import { actorText, eventText, clockText } from "./event-texts.js";
import { timeOfDay } from "./format.js";

const TROUBLE = {
  loading: "Loading …",
  forbidden: "Only the host of a session can see what happened.",
};

/** The audit trail as a list, newest first, with notes about what isn't in the trail. */
export function trailList(trail) {
  let items = new Map();
  let notes = [];
  let createdAt;
  let shownNames;
  const list = el("ol", { class: "trail-events", reversed: true });
  const trouble = el("p", { class: "trail-trouble" });
  const more = el(
    "button",
    { type: "button", class: "trail-more", onclick: () => trail.loadEarlier() },
    "Earlier …",
  );
  const element = el("div", { class: "trail" }, trouble, list, more);

  /** Show the events that the trail has loaded, with the present names. */
  function update(state, names) {
    const hasDropped = trail.events[0]?.version > items.keys().next().value;
    if (state.created_at !== createdAt || hasDropped) clear();
    createdAt = state.created_at;
    const newest = list.firstElementChild;
    let older = null;
    const place = (key, create) => {
      if (!items.has(key)) items.set(key, insert(create(), older, newest)).get(key).show(names);
      older = items.get(key).element;
    };
    for (const event of trail.events) {
      place(event.version, () => eventItem(event, state));
      for (const note of notes.filter(({ version }) => version === event.version)) {
        place(note, () => noteItem(note));
      }
    }
    if (names.key !== shownNames) for (const item of items.values()) item.show(names);
    shownNames = names.key;
    explain();
  }

  /** Insert `item` above the element `older`, and return it. */
  function insert(item, older, newest) {
    item.element.classList.toggle("fresh", Boolean(newest) && older === list.firstElementChild);
    list.insertBefore(item.element, older);
    return item;
  }

  /** Show `words(names)` above the event that created `version`, once that is loaded. */
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
  const text = el("p", { class: "event-text" });
  const facts = el("p", { class: "event-facts" }, timeElement(at));
  const element = el("li", { data: { event: "note" } }, text, facts);
  return { element, show: (names) => setText(text, words(names)) };
}

function eventItem(event, state) {
  const text = el("p", { class: "event-text" });
  const actor = el("span");
  const clock = clockText(event, state);
  const facts = el(
    "p",
    { class: "event-facts" },
    timeElement(new Date(event.occurred_at)),
    actor,
    clock && el("span", {}, clock),
  );
  return {
    element: el("li", { value: event.version, data: { event: event.event } }, text, facts),
    show(names) {
      setText(text, eventText(event, state, names));
      setText(actor, actorText(event.actor, names));
    },
  };
}

function timeElement(at) {
  const shown = timeOfDay(at, { hasSeconds: true });
  return el("time", { dateTime: at.toISOString(), title: at.toLocaleString() }, shown);
}
