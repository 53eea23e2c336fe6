import { SyncKairos } from "./client.js";
import { countdown, elapsedTime, untilChange } from "./clock-text.js";
import { keepDrawn } from "./drawing.js";
import { isSameId } from "./ids.js";
import { hasFallen } from "./session-clocks.js";
import { shown } from "./wire-clock.js";

/**
 * `<synckairos-clock session="..." token="..." base-url="...">`: the clocks of a session in any page.
 *
 * It shows the clock of each participant or group that has one, otherwise the clock that all share.
 * `participant` or `group` chooses one of them. `base-url` is the service's URL; without it, it is
 * the service that this module was loaded from. The element takes font and colours from the page;
 * its parts are `clock` (also `active`, `fallen`), `name`, `time` and `note`.
 */
export class SyncKairosClock extends HTMLElement {
  static observedAttributes = ["session", "token", "base-url", "participant", "group"];

  #isPlaced = false;
  #session = null;
  #drawing = null;
  #rows = [];
  #root = this.attachShadow({ mode: "open" });
  #list = part("div", "clocks");
  #note = part("p", "note");

  constructor() {
    super();
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.#note.setAttribute("role", "status");
    this.#root.append(style, this.#list, this.#note);
  }

  /** The session that is shown, to act on it; null without the attribute `session`. */
  get session() {
    return this.#session;
  }

  connectedCallback() {
    this.#isPlaced = true;
    this.#open();
  }

  disconnectedCallback() {
    this.#isPlaced = false;
    this.#close();
  }

  /** In a page that has the element before this module, it is called before `connectedCallback`. */
  attributeChangedCallback(name, before, after) {
    if (!this.#isPlaced || before === after) return;
    this.#close();
    this.#open();
  }

  #open() {
    const id = this.getAttribute("session");
    if (!id) return this.#say("The attribute “session” is missing.");
    try {
      const baseUrl = this.getAttribute("base-url") ?? SERVICE;
      this.#session = clientOf(baseUrl, this.getAttribute("token")).session(id);
    } catch (error) {
      return this.#say(error.message);
    }
    this.#say("Connecting …");
    for (const name of EVENTS) this.#session.addEventListener(name, this.#update);
    follow(this.#session);
    this.#drawing = keepDrawn(() => this.#draw());
  }

  #close() {
    this.#drawing?.stop();
    if (!this.#session) return;
    for (const name of EVENTS) this.#session.removeEventListener(name, this.#update);
    unfollow(this.#session);
    this.#session = null;
    this.#rows = [];
    this.#list.replaceChildren();
  }

  #update = () => {
    const { state } = this.#session;
    const clocks = state ? clocksOf(state, this.#choice()) : [];
    this.#say(state && !clocks.length ? NO_CLOCK : noteOf(this.#session));
    this.#rows = clocks.map((one) => row(state, one));
    this.#list.replaceChildren(...this.#rows.map(({ element }) => element));
    this.#drawing?.redraw();
  };

  #choice() {
    return { participant: this.getAttribute("participant"), group: this.getAttribute("group") };
  }

  #say(text) {
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }

  /** Draw all times; return the ms until the first of them changes. */
  #draw() {
    const at = this.#session.clock.now();
    return Math.min(...this.#rows.map(({ draw }) => draw(at)));
  }
}

const SERVICE = servedFrom(import.meta.url);
const EVENTS = ["update", "deleted", "connection"];
const STYLE = `
  :host { display: inline-block; font-variant-numeric: tabular-nums; }
  :host([hidden]) { display: none; }
  [part="clocks"] { display: flex; flex-wrap: wrap; gap: 0.5em 1.5em; }
  [part~="clock"] { display: grid; }
  [part="time"] { font-size: 2em; line-height: 1.1; }
  [part~="active"] [part="time"] { font-weight: bold; }
  [part~="fallen"] [part="time"] { text-decoration: line-through; }
  [part="note"] { margin: 0; }
  [part="name"]:empty { display: none; }
`;

/** One client for all elements with the same service and token, so that they share sessions. */
const clients = new Map();

/** How many elements show each session. */
const shownBy = new Map();

function clientOf(baseUrl, token) {
  const key = JSON.stringify([baseUrl, token]);
  if (!clients.has(key)) clients.set(key, new SyncKairos({ baseUrl, token: token ?? undefined }));
  return clients.get(key);
}

function follow(session) {
  shownBy.set(session, (shownBy.get(session) ?? 0) + 1);
  session.open().catch(() => {}); // the note shows the refusal
}

function unfollow(session) {
  const others = shownBy.get(session) - 1;
  shownBy.set(session, others);
  if (others) return;
  shownBy.delete(session);
  session.close();
}

/** The URL of the service that serves the module `url`; empty if a bundler has moved it. */
function servedFrom(url) {
  const [service, ...rest] = url.split("/clients/js/");
  return rest.length ? service : "";
}

/**
 * The chosen clocks of a state: those of participants or groups, otherwise the one that all share.
 *
 * @returns {{name: string, isActive: boolean, clock: import("./wire-clock.js").WireClock}[]}
 */
function clocksOf(state, { participant, group }) {
  const { participants, groups = [] } = state;
  if (participant) return owned(participants, (one) => isSameId(one.participant_id, participant));
  if (group) return owned(groups, (one) => isSameId(one.group_id, group));
  const own = owned(groups.length ? groups : participants);
  return own.length ? own : [shared(state)];
}

function owned(owners, isChosen = () => true) {
  return owners
    .map((one, place) => ({ one, name: one.name ?? String(place + 1) }))
    .filter(({ one }) => one.clock && isChosen(one))
    .map(({ one, name }) => ({ name, isActive: one.is_active, clock: one.clock }));
}

function shared(state) {
  const { cycle_clock: cycle, session_clock: session, elapsed_clock: elapsed } = state;
  const clock = countsUp(state) ? elapsed : (cycle ?? session ?? elapsed);
  return { name: "", isActive: state.status === "running", clock };
}

function countsUp({ sync_mode: mode, total_time_ms: total }) {
  return mode === "count_up" || (mode === "individual" && total === undefined);
}

/** The element of one clock, and a function that draws it and returns the ms until it changes. */
function row(state, { name, isActive, clock }) {
  const time = part("span", "time");
  time.setAttribute("role", "timer");
  if (name) time.setAttribute("aria-label", name);
  const element = part("div", "clock");
  element.append(part("span", "name", name), time);
  const format = countsUp(state) ? elapsedTime : countdown;

  function draw(at) {
    const ms = shown(clock, state.server_time_ms, at);
    const text = format(ms);
    if (time.textContent !== text) time.textContent = text;
    element.part.toggle("active", isActive && state.status === "running");
    element.part.toggle("fallen", hasFallen(state, clock, at));
    const change = shown(clock, state.server_time_ms, at + 1) - ms;
    return untilChange(ms, change, text.includes(".") ? 100 : 1000);
  }

  return { element, draw };
}

function part(tag, name, text = "") {
  const element = document.createElement(tag);
  element.part.add(name);
  element.textContent = text;
  return element;
}

const NO_CLOCK = "The session has no such participant or group, or it has no clock.";
const NOTES = {
  pending: "Not started yet",
  paused: "Paused",
  expired: "Time is up",
  completed: "Completed",
  cancelled: "Cancelled",
};

/** What a visitor should know beside the clocks; empty while a session runs and is followed. */
function noteOf({ state, existence, refusal, problem }) {
  if (refusal) return refusal.message;
  if (existence === "deleted") return "This session was deleted.";
  if (existence === "absent") return "This session has not been created yet.";
  if (problem) return `${problem.message} (trying again)`;
  return state ? (NOTES[state.status] ?? "") : "Connecting …";
}

customElements.define("synckairos-clock", SyncKairosClock);
