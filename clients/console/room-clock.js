import { elapsed, isTerminal, shown, startsIn } from "/clients/js/synckairos.js";
import { outcomeText } from "./announcements.js";
import {
  count,
  countdownSeconds,
  duration,
  elapsedTime,
  timeOfDay,
  untilNextSecond,
} from "./format.js";
import { countsUp, isUnderWay, roomClock } from "./runs.js";
import { warningAt } from "./thresholds.js";
import { wordsOf } from "./words.js";

/**
 * The clock of the room as a large clock shows it.
 *
 * @returns {(at: number) => import("./big-clock.js").BigClockView}
 */
export function roomView(state, names) {
  const room = roomClock(state);
  const detail = detailOf(state, room);
  return (at) => {
    if (isTerminal(state)) return endedView(state, names, at);
    const wait = startsIn(state, at);
    if (wait !== null) {
      const untilChange = untilNextSecond(wait);
      return { ...calm("Starts in", countdownSeconds(wait)), untilChange };
    }
    if (countsUp(state)) return elapsedView(state, at);
    if (!room.clock) return calm("Time for each", countdownSeconds(state.total_time_ms));
    const left = shown(room.clock, state.server_time_ms, at);
    const text = countdownSeconds(left);
    if (state.status === "pending") return calm("Not started yet", text);
    const untilChange = untilNextSecond(left);
    return { label: labelOf(state), text, detail, untilChange, ...warningOf(state, left) };
  };
}

/** The note and the tone of a clock with `left` ms. */
export function warningOf(state, left) {
  if (left <= 0) return { note: "Time’s up", tone: "over" };
  const threshold = warningAt(left, state);
  const isPaused = state.status === "paused";
  if (threshold === null) return { note: "", tone: isPaused ? "calm" : "running" };
  return { note: `Less than ${spanText(threshold)} left`, tone: "low" };
}

/** A length of time in words: "5 minutes". */
export function spanText(ms) {
  const isWhole = ms % 60_000 === 0;
  return isWhole ? count(ms / 60_000, "minute") : count(Math.round(ms / 1000), "second");
}

function labelOf(state) {
  if (state.status === "paused") return "Paused";
  return state.begins === "each" && state.closes_at
    ? `Until the ${wordsOf(state).session} closes`
    : "Time left";
}

function elapsedView(state, at) {
  const label = { pending: "Not started yet", paused: "Paused" }[state.status] ?? "Time";
  const tone = state.status === "running" ? "running" : "calm";
  return { ...calm(label, elapsedTime(elapsed(state, at))), tone };
}

function endedView(state, names, at) {
  const ran = elapsed(state, at);
  const text = countsUp(state) ? elapsedTime(ran) : duration(Math.floor(ran / 1000) * 1000);
  return { ...calm("Ended after", text), detail: outcomeText(state, names) };
}

function calm(label, text) {
  return { label, text, note: "", detail: "", tone: "calm" };
}

/** When the room's time ends, and how many have more. */
function detailOf(state, { direction, endsAt }) {
  if (direction === "up" || state.status !== "running") return "";
  const end = endsAt ? Date.parse(endsAt) : state.server_time_ms;
  const deadlines = state.participants.filter(isUnderWay).map((run) => Date.parse(run.deadline_at));
  const later = deadlines.filter((deadline) => deadline > end);
  const parts = [];
  if (endsAt) parts.push(`Ends at ${timeOfDay(endsAt)}`);
  if (later.length) {
    parts.push(`${later.length} with more time, until ${timeOfDay(Math.max(...later))}`);
  }
  return parts.join(" · ");
}
