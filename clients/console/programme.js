import { isTerminal, offset, sharedClocks } from "/clients/js/synckairos.js";

/**
 * @typedef {object} AgendaItem an item of a programme as the page shows it
 * @property {string} id
 * @property {string} title
 * @property {boolean} isCurrent whether it runs now or, before the start, runs first
 * @property {boolean} isDone whether it has run and isn't current
 * @property {boolean} isBreak
 * @property {number} plannedMs
 * @property {(at: number) => number} readUsed ms that it has taken by a server time (ms)
 */

/**
 * The items of a programme (docs/programmes.md), in their order.
 *
 * @returns {AgendaItem[]}
 */
export function agendaOf(state) {
  const current = currentItem(state);
  return state.items.map((item) => ({
    id: item.item_id,
    title: titleOf(item),
    isCurrent: item === current,
    isDone: item !== current && item.used_ms + item.over_ms > 0,
    isBreak: item.kind === "break",
    plannedMs: item.planned_ms,
    readUsed: (at) => item.used_ms + item.over_ms + (item === current ? ranSince(state, at) : 0),
  }));
}

/** The item that runs; before the start the first one; null after the end. @returns {?object} */
export function currentItem({ items, active_item_id: id, status }) {
  if (status === "pending") return items[0];
  return items.find((item) => item.item_id === id) ?? null;
}

/** The last item of a round that has run so far; the first one if none has. */
export function lastPlayed({ items }) {
  return items.findLast((item) => item.used_ms + item.over_ms > 0) ?? items[0];
}

/** The item after the running one; null if that is the last one of the last round. */
export function nextItem(state) {
  const { items, repeat } = state;
  const position = items.indexOf(currentItem(state));
  const isLastRound = (state.round ?? 1) >= repeat;
  return items[position + 1] ?? (isLastRound ? null : items[0]);
}

/** Whether the end of the running item ends the session. */
export function isLastStep(state) {
  return Boolean(state.items && currentItem(state) && !nextItem(state));
}

/** @returns {string} */
export function titleOf(item) {
  return item.title ?? item.item_id;
}

/**
 * The position of an item of a round among all items that are played, or among those that count:
 * `{number, total}`, from 1.
 */
export function positionOf(
  state,
  isCounted = () => true,
  { item, round } = { item: currentItem(state), round: state.round ?? 1 },
) {
  const counted = state.items.filter(isCounted);
  const before = state.items.slice(0, state.items.indexOf(item) + 1);
  const done = (round - 1) * counted.length;
  return {
    number: done + Math.max(1, before.filter(isCounted).length),
    total: counted.length * state.repeat,
  };
}

/** When the programme will end (server time, ms) if all items keep to their lengths. */
export function expectedEnd(state, at) {
  const position = state.items.indexOf(currentItem(state));
  const following = sum(state.items.slice(position + 1));
  const rounds = (state.repeat - (state.round ?? 1)) * sum(state.items);
  return at + Math.max(0, sharedClocks(state, at).cycle ?? 0) + following + rounds;
}

/** How far a programme is from its plan, such as "5 min behind". */
export function offsetText(state, at) {
  const ms = offset(state, at) ?? 0;
  const seconds = Math.floor(Math.abs(ms) / 1000);
  if (seconds === 0) return isTerminal(state) ? "As planned" : "On time";
  const amount = seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `${amount} ${ms > 0 ? "behind" : "ahead"}`;
}

function ranSince(state, at) {
  const left = (instant) => sharedClocks(state, instant).cycle ?? 0;
  return left(state.server_time_ms) - left(at);
}

function sum(items) {
  return items.reduce((total, item) => total + item.duration_ms, 0);
}
