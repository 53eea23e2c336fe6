import { amountOfTime, count, countdown, duration, lapTime } from "./format.js";
import { losesByFlag } from "./game-result.js";
import { isolating } from "./names.js";
import { positionOf, titleOf } from "./programme.js";
import { turnWords } from "./turn-words.js";

const PLAIN = {
  session_created: "Session created",
  session_paused: "Paused",
  session_resumed: "Resumed",
  session_completed: "Completed",
  session_cancelled: "Cancelled",
  session_deleted: "Deleted",
  session_updated: "Settings changed",
  command_unscheduled: "Planned command withdrawn",
};

/** What an undo does to the turn, by its mode. */
const UNDONE = {
  turn_start: "starts again",
  before_switch: "goes on, its time stays spent",
  as_if_never: "never ended",
};

/** An event of the audit trail as a short sentence. */
export function eventText(event, state, known) {
  const names = isolating(known);
  const [who, next] = [sideName(event, names), nextName(event, names)];
  switch (event.event) {
    case "session_started":
      return who ? `Started: ${who}’s clock runs` : "Started";
    case "cycle_switched":
      return switchText(event, state, who, next);
    case "time_expired":
      return `${expiryText(event, state, who)}${sequel(event, state, next)}`;
    case "session_advanced":
      return `Time advanced by ${duration(event.metadata.by_ms)}`;
    case "participant_added":
      return `${who} joined`;
    case "participant_time_adjusted":
      return `${who}’s clock set to ${duration(event.metadata.total_time_ms)}${reason(event)}`;
    case "time_adjusted":
      return `${adjustmentText(event, names)}${reason(event)}`;
    case "participant_updated":
      return `${updateText(event, who)}${reason(event)}`;
    case "participant_removed":
      return `${who} left`;
    case "participant_begun":
      return `${who || count(event.metadata.participants.length, "participant")} began`;
    case "participant_finished":
      return `${who} finished${lateness(event)}`;
    case "participant_reopened":
      return `${who} goes on${reason(event)}`;
    case "participant_paused":
      return `${who}’s clock stopped${reason(event)}`;
    case "participant_resumed":
      return `${who}’s clock runs again${reason(event)}`;
    case "participant_closed":
      return `${who} ended without a finish${reason(event)}`;
    case "command_scheduled":
      return `Planned: ${event.metadata.operation} in ${duration(waitOf(event))}`;
    case "switch_undone":
      return `${undoText(event, state, who)}${reason(event)}`;
    default:
      return PLAIN[event.event] ?? event.event.replaceAll("_", " ");
  }
}

function waitOf({ metadata, occurred_at: acceptedAt }) {
  return metadata.effective_at_ms - Date.parse(acceptedAt);
}

/** The end of a period of overtime as a short sentence. */
export function periodText({ participant_id: participantId, group_id: groupId, ...period }, known) {
  const names = isolating(known);
  const who = participantId ? names.participant(participantId) : names.group(groupId);
  return `${who}: a period ended, ${count(period.periods_left, "period")} left`;
}

function lateness({ metadata }) {
  return metadata.late_ms ? `, ${duration(metadata.late_ms)} late` : "";
}

function expiryText({ metadata: { reason, explanation } }, state, who) {
  if (reason !== "forfeit") {
    if (!who) return "Time ran out";
    return losesByFlag(state) ? `${who}’s flag fell` : `${who}: time’s up`;
  }
  return explanation ? `${who} forfeited (${explanation})` : `${who} forfeited`;
}

function switchText({ cycle_number: cycle, metadata }, state, who, next) {
  const whose = next ? `: ${next}` : "";
  const item = state.items?.find((one) => one.item_id === metadata.item_id);
  if (item) return `${itemText(state, item, metadata.round)} begins${whose}`;
  const { turn } = turnWords(state);
  const more = metadata.extended_by_ms;
  if (turn === "Bid") return `Bid ${cycle - 1}${whose}${more ? `, ${amountOfTime(more)} more` : ""}`;
  const isShared = ["count_up", "global"].includes(state.sync_mode);
  if (isShared || !who) return `${turn} ${cycle} begins${whose}`;
  return who === next ? `${who}’s turn ${cycle} begins` : `${who} → ${next}`;
}

/** Questions have numbers, because they often have the same title; other items have titles. */
function itemText(state, item, round) {
  const isQuestion = turnWords(state).turn === "Question" && item.kind !== "break";
  if (!isQuestion) return titleOf(item);
  return `Question ${positionOf(state, (one) => one.kind !== "break", { item, round }).number}`;
}

function adjustmentText({ metadata }, names) {
  const { add_ms: added, set_ms: set, to, clocks, reopen } = metadata;
  const whose = clocksText(clocks, to, names);
  const words =
    set !== undefined
      ? `${whose} set to ${duration(set)}`
      : `${duration(Math.abs(added))} ${added < 0 ? "taken from" : "added to"} ${whose}`;
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return reopen ? `${text}: the session goes on` : text;
}

function clocksText(clocks, to, names) {
  const [only] = clocks;
  const name = clocks.length === 1 ? sideName(only, names) : "";
  if (name) return `${name}’s clock`;
  if (clocks.length === 1) return "the clock";
  return to === "all" ? "all clocks" : count(clocks.length, "clock");
}

function updateText({ metadata }, who) {
  const { name, is_retired: isRetired, total_time_ms: ms } = metadata;
  const parts = [
    name !== undefined && (name ? `new name ${name}` : "no name any more"),
    isRetired !== undefined && (isRetired ? "takes no more turns" : "takes turns again"),
    ms !== undefined && `clock set to ${duration(ms)}`,
  ];
  return `${who}: ${parts.filter(Boolean).join(", ")}`;
}

function undoText({ metadata }, state, who) {
  const { end } = turnWords(state);
  const undone = `${end.charAt(0).toUpperCase()}${end.slice(1)} undone`;
  if (!who) return undone;
  return `${undone}: ${who}’s turn ${UNDONE[metadata.mode] ?? "goes on"}`;
}

function sequel({ metadata }, { sync_mode: mode }, next) {
  if (mode === "individual") return "";
  if (metadata.status === "expired") return ": the session is over";
  const { type, action } = metadata.action_applied ?? {};
  if (type === "notify" || !next) return "";
  return typeof action === "string" ? `: ${action}, ${next} is next` : `: ${next} is next`;
}

function reason({ metadata }) {
  return metadata.reason ? ` (${metadata.reason})` : "";
}

function sideName({ participant_id: participantId, group_id: groupId }, names) {
  if (participantId) return names.participant(participantId);
  return groupId ? names.group(groupId) : "";
}

function nextName({ metadata }, names) {
  const id = metadata.next_participant_id;
  return id ? names.participant(id) : "";
}

/** The clock's time at an event; for `count_up`, the length of the lap. */
export function clockText(event, { sync_mode: mode }) {
  const { time_remaining_ms: left, time_elapsed_ms: ran, event: type } = event;
  if (type === "session_created") return "";
  if (mode === "count_up") return ran ? `lap ${lapTime(ran)}` : "";
  return left === null ? "" : `clock ${countdown(left)}`;
}

/** The actor of an event, by name or role. */
export function actorText(actor, names) {
  if (actor === "system") return "automatically";
  const [role, ...rest] = actor.split(":");
  const subject = rest.join(":");
  if (!subject) return `by ${role === "service" ? "the service" : role}`;
  return `by ${names.knows(subject) ? isolating(names).participant(subject) : subject}`;
}
