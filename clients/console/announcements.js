import { isTerminal, nearest } from "/clients/js/synckairos.js";
import { duration, timeOfDay } from "./format.js";
import { losesByFlag, resultText } from "./game-result.js";
import { currentItem } from "./programme.js";
import { itemTitle } from "./questions.js";
import { takesTurns, turnWords } from "./turn-words.js";
import { wordsOf } from "./words.js";

/** A change as a sentence for screen readers; empty if there is nothing to say. */
export function announcementOf(state, previous, names) {
  if (isTerminal(state)) return previous?.status === state.status ? "" : outcomeText(state, names);
  if (state.sync_mode === "individual") return runAnnouncement(state, previous, names);
  const fallen = newlyFallen(state, previous);
  if (fallen) return `${names.participant(fallen.participant_id)}: time is up.`;
  if (state.status !== previous?.status) return statusAnnouncement(state, names);
  if (state.cycle_number !== previous.cycle_number) return turnAnnouncement(state, names);
  return "";
}

/** A sentence about the person whose state has changed; empty if several have, to keep it short. */
function runAnnouncement(state, previous, names) {
  if (state.status !== previous?.status) {
    return { running: "Running.", paused: "Paused." }[state.status] ?? "Ready to start.";
  }
  const before = new Map(previous.participants.map((p) => [p.participant_id, p.state]));
  const changed = state.participants.filter((p) => before.get(p.participant_id) !== p.state);
  if (changed.length !== 1) return "";
  const [{ participant_id: id, state: now }] = changed;
  return `${names.participant(id)}: ${wordsOf(state).states[now].toLowerCase()}.`;
}

/** How and when the session ended, as a sentence. */
export function outcomeText(state, names) {
  switch (state.status) {
    case "completed":
      return `${resultText(state, names)} Completed at ${timeOfDay(state.session_completed_at)}.`.trim();
    case "cancelled":
      return `Cancelled at ${timeOfDay(state.session_completed_at)}.`;
    default:
      return `Time is up. ${lossOn(state, names)}`.trim();
  }
}

function lossOn(state, names) {
  const { fallen, left } = sidesOf(state, names);
  if (!fallen.length) return "";
  if (!losesByFlag(state)) return `${fallen.join(" and ")}: no time left.`;
  const flags = fallen.map((name) => `${name}’s`).join(" and ");
  const loss = `${flags} ${fallen.length > 1 ? "flags" : "flag"} fell`;
  const byTime = state.action_on_timeout.winner_by === "time" && left.length === 1;
  return byTime ? `${loss}: ${left[0]} wins on time.` : `${loss}.`;
}

/** Names of the sides whose own clock has expired, and of the others; empty for shared clocks. */
function sidesOf({ sync_mode: mode, groups, participants }, names) {
  const named = {
    per_group: () => groups.map((g) => [names.group(g.group_id), g.has_expired]),
    per_participant: () =>
      participants.map((p) => [names.participant(p.participant_id), p.has_expired]),
  };
  const sides = named[mode]?.() ?? [];
  const namesWhere = (expired) =>
    sides.filter(([, hasExpired]) => hasExpired === expired).map(([name]) => name);
  return { fallen: namesWhere(true), left: namesWhere(false) };
}

function newlyFallen(state, previous) {
  if (!previous) return undefined;
  const before = new Set(
    previous.participants.filter((p) => p.has_expired).map((p) => p.participant_id),
  );
  return state.participants.find((p) => p.has_expired && !before.has(p.participant_id));
}

function statusAnnouncement(state, names) {
  if (state.status === "paused") return "Paused.";
  if (state.status === "running") return `Running. ${turnAnnouncement(state, names)}`.trim();
  return "Ready to start.";
}

function turnAnnouncement(state, names) {
  if (state.items && currentItem(state)) return `${itemTitle(state)}.`;
  const left = nearest(state, state.server_time_ms);
  const rest = left === null ? "" : `${duration(Math.round(left / 1000) * 1000)} left`;
  if (!takesTurns(state)) return rest && `${rest}.`;
  if (!state.active_participant_id) return `${turnWords(state).turn} ${state.cycle_number}.`;
  return `${[names.participant(state.active_participant_id), rest].filter(Boolean).join(", ")}.`;
}
