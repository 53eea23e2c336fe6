import { isTerminal, nearest } from "/clients/js/synckairos.js";
import { bidderButtons } from "./bidder-buttons.js";
import { controls } from "./controls.js";
import { el, setText } from "./dom.js";
import { factList } from "./fact-list.js";
import { count, duration, timeOfDay } from "./format.js";
import { lastExtension } from "./last-extension.js";
import { nobodyYet } from "./nobody-yet.js";
import { sharedClock } from "./shared-clock.js";
import { isLow } from "./thresholds.js";

const SECONDS = { hasSeconds: true };

/** An auction with a soft close: one clock, and one button that bids, or one for each bidder. */
export function auctionPage({ session, act, ask }) {
  const clock = sharedClock();
  const extension = lastExtension(session);
  const bidders = bidderButtons((id) => act.switchTo(id));
  const facts = factList();
  const empty = nobodyYet(ask);
  const outcome = el("p", { class: "outcome" });
  const buttons = controls(act, ask);
  const side = el("div", { class: "side" }, facts.element);
  const element = el(
    "div",
    { class: "play auction" },
    outcome,
    empty.element,
    el("div", { class: "clock-area" }, clock.element, side),
    bidders.element,
    buttons.element,
  );
  let state;

  function update({ state: next }, names, allowed) {
    state = next;
    extension.update(state, allowed);
    const bidder = highestBidder(state, names);
    clock.update({ title: titleOf(state, bidder), status: state.status });
    empty.update(state, allowed);
    bidders.update(state, names, allowed, Boolean(bidder));
    buttons.update(state, names, withoutSwitch(state, allowed));
    setText(outcome, isTerminal(state) ? outcomeOf(state, bidder) : "");
  }

  function draw(at) {
    const ms = nearest(state, at) ?? 0;
    const isOver = ms <= 0 && state.status !== "pending";
    facts.draw(factsOf(state, at));
    return clock.draw({
      ms,
      isOver,
      isLow: state.status === "running" && isLow(ms, state),
      note: noteOf(state, isOver),
      below: extension.text(),
      detail: ruleOf(state),
    });
  }

  return { element, update, draw };
}

/** The rights without `switch` if there are bidders: then each has a button, not the session. */
function withoutSwitch({ participants }, allowed) {
  return participants.length ? { ...allowed, switch: false } : allowed;
}

/** The bids so far: the first cycle has none yet, and each bid begins another one. */
function bidsIn({ cycle_number: cycle }) {
  return Math.max(0, cycle - 1);
}

/** The name of the highest bidder; empty before the first bid and without participants. */
function highestBidder(state, names) {
  const leading = state.active_participant_id ?? state.ended_with;
  return bidsIn(state) && leading ? names.participant(leading) : "";
}

function titleOf(state, bidder) {
  if (state.status === "pending") return "Not open yet";
  if (isTerminal(state)) return "Closed";
  if (bidder) return `Highest bid: ${bidder}`;
  return bidsIn(state) ? `Bid ${bidsIn(state)}` : "No bid yet";
}

function noteOf({ status }, isOver) {
  if (isOver) return "Time’s up";
  return { pending: "Ready", paused: "Paused", running: "Open" }[status] ?? "";
}

function ruleOf({ extend_on_switch: rule }) {
  if (!rule) return "";
  const { window_ms: window, to_ms: to, by_ms: by } = rule;
  const effect = to ? `leaves at least ${duration(to)}` : `adds ${duration(by)}`;
  return `A bid in the last ${duration(window)} ${effect}`;
}

function factsOf(state, at) {
  const { extensions, extend_on_switch: rule, status } = state;
  const left = nearest(state, at);
  const used = extensions?.used ?? 0;
  const most = extensions?.left === undefined ? null : used + extensions.left;
  return [
    ["Bids", String(bidsIn(state))],
    ["Extended", most ? `${used} of ${most}` : count(used, "time")],
    ["Closes at", status === "running" && left !== null ? timeOfDay(at + left, SECONDS) : ""],
    ["At the latest", rule?.not_after ? timeOfDay(rule.not_after, SECONDS) : ""],
  ];
}

function outcomeOf(state, bidder) {
  if (state.status === "cancelled") return "The auction was cancelled.";
  const closed = `Closed at ${timeOfDay(state.session_completed_at, SECONDS)}`;
  const bids = bidsIn(state);
  if (!bids) return `${closed} without a bid.`;
  return bidder ? `${closed}. The highest bid is by ${bidder}.` : `${closed} after ${count(bids, "bid")}.`;
}
