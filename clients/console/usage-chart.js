import { isRunning } from "/clients/js/synckairos.js";
import { el, setFlag, setText } from "./dom.js";
import { duration } from "./format.js";
import { usageBar } from "./usage-bar.js";
import { UsageLedger } from "./usage-ledger.js";
import { timeOwnersOf } from "./time-owners.js";

/** With more rows than this, all are drawn small. */
const MAX_LARGE_ROWS = 8;
const STEPS_S = [10, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600];
const DAY_S = 86_400;

/** A chart of the time that each owner has used, one bar each on a common scale. */
export function usageChart() {
  const rows = new Map();
  const list = el("ul", { class: "usage-rows" });
  const scaleEnd = el("span");
  const scaleStart = el("span", {}, "0");
  const axis = el("p", { class: "usage-axis", "aria-hidden": "true" }, scaleStart, scaleEnd);
  const label = { role: "group", "aria-label": "Time used" };
  const element = el("div", { class: "usage", ...label }, list, axis);
  const ledger = new UsageLedger();
  let state;
  let owners = [];
  let running = [];
  let totals = new Map();
  let scale = 0;
  let isStale = true;
  let drawnAt = null;

  function update(nextState, names) {
    state = nextState;
    owners = timeOwnersOf(state, names);
    running = owners.filter((owner) => isRunning(state) && owner.isActive(state));
    totals = new Map(owners.map(({ key, total }) => [key, total(state, state.server_time_ms)]));
    ledger.addState(state);
    const isLong = owners.length > MAX_LARGE_ROWS;
    setFlag(element, "small", isLong);
    if (isLong) element.tabIndex = 0; // so that keys can scroll it
    for (const key of rows.keys()) if (!totals.has(key)) remove(key);
    owners.forEach(place);
    showTurns();
  }

  /** Take in the loaded events of the audit trail. */
  function addEvents(events) {
    ledger.addEvents(events, owners);
    showTurns();
  }

  function place(owner, position) {
    if (!rows.has(owner.key)) rows.set(owner.key, usageRow());
    const row = rows.get(owner.key);
    row.update(owner, running.includes(owner));
    if (list.children[position] !== row.element) {
      list.insertBefore(row.element, list.children[position] ?? null);
    }
  }

  function remove(key) {
    rows.get(key).element.remove();
    rows.delete(key);
  }

  function showTurns() {
    for (const owner of owners) rows.get(owner.key).show(ledger.turnsOf(owner), owner);
    isStale = true;
    if (drawnAt !== null) draw(drawnAt); // the rest of each bar fits its turns at once
  }

  /** Draw the running bars, and all others only after a change: there may be a thousand. */
  function draw(at) {
    drawnAt = at;
    for (const { key, total } of running) totals.set(key, total(state, at));
    const needed = scaleFor(Math.max(0, ...totals.values()));
    isStale ||= needed !== scale;
    scale = needed;
    setText(scaleEnd, duration(scale));
    for (const { key } of isStale ? owners : running) {
      rows.get(key).draw(totals.get(key), scale, isStale);
    }
    isStale = false;
  }

  return { element, update, addEvents, draw };
}

function usageRow() {
  const name = el("span", { class: "usage-name", dir: "auto" });
  const time = el("span", { class: "usage-time" });
  const bar = usageBar();
  const element = el("li", {}, name, bar.element, time);
  return {
    element,
    update(owner, isRunning) {
      setText(name, owner.name);
      setFlag(element, "running", isRunning);
    },
    show: bar.show,
    draw(total, scale, isExact) {
      setText(time, duration(Math.floor(total / 1000) * 1000));
      bar.draw(total, scale, isExact);
    },
  };
}

/** The next round duration (ms) above `longest`, so that the scale changes rarely. */
function scaleFor(longest) {
  const step = STEPS_S.find((seconds) => seconds * 1000 >= longest);
  return 1000 * (step ?? DAY_S * Math.ceil(longest / 1000 / DAY_S));
}
