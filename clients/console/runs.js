import { isTerminal, shown } from "/clients/js/synckairos.js";

/**
 * What the pages of `individual` sessions show, from a state alone. A *run* is a participant with
 * its clock. All functions are pure; `at` is server time, ms.
 *
 * @typedef {import("/clients/js/synckairos.js").SessionState} SessionState
 * @typedef {import("/clients/js/synckairos.js").Participant} Participant
 */

const DONE = ["finished", "closed"];
const UNDER_WAY = ["running", "paused", "overdue"];
const FULL_PERMILLE = 1000;

/** The states of participants in the order of the page; those who are done share the last one. */
export const SECTIONS = ["overdue", "running", "paused", "not_begun", "done"];

/** @param {Participant} run */
export function sectionOf({ state }) {
  return DONE.includes(state) ? "done" : state;
}

/** @param {Participant} run */
export function isUnderWay({ state }) {
  return UNDER_WAY.includes(state);
}

/** Whether time counts up, without a limit. @param {SessionState} state */
export function countsUp(state) {
  return state.total_time_ms === undefined;
}

/** Ms on the clock of a run. */
export function runTime(state, { clock }, at) {
  return clock ? shown(clock, state.server_time_ms, at) : 0;
}

/** Whether a finish of this run would end the session. */
export function isLastRun({ participants, rounds }, run) {
  return !rounds && participants.every((one) => one === run || sectionOf(one) === "done");
}

/**
 * @typedef {object} RoomClock the clock that a whole room looks at
 * @property {"up"|"down"} direction
 * @property {?import("/clients/js/synckairos.js").WireClock} clock null if there is none
 * @property {?string} endsAt when it reaches zero, if nobody pauses
 */

/**
 * The clock of the room: the time of those who began together without extra time, else the time
 * until the session closes, else that of the person whose time ends last.
 *
 * @param {SessionState} state
 * @returns {RoomClock}
 */
export function roomClock(state) {
  if (countsUp(state)) return { direction: "up", clock: state.elapsed_clock, endsAt: null };
  const usual = state.begins === "each" ? null : usualRun(state);
  if (usual) return countdown(usual.clock, usual.deadline_at);
  if (state.session_clock) return countdown(state.session_clock, state.closes_at ?? null);
  const last = lastRun(state);
  return last ? countdown(last.clock, last.deadline_at) : countdown(null, null);
}

function countdown(clock, endsAt) {
  return { direction: "down", clock, endsAt: endsAt ?? null };
}

/** One of those without extra time whose clock shows what most others show, too. */
function usualRun({ participants }) {
  const groups = new Map();
  for (const run of participants) {
    if (run.state !== "running" || hasExtra(run)) continue;
    const left = run.clock.left_ms;
    if (!groups.has(left)) groups.set(left, []);
    groups.get(left).push(run);
  }
  const [largest] = [...groups.values()].sort((one, other) => other.length - one.length);
  return largest?.[0];
}

function hasExtra({ extra_ms: extra, factor_permille: factor }) {
  return Boolean(extra) || (factor ?? FULL_PERMILLE) !== FULL_PERMILLE;
}

function lastRun({ participants }) {
  const running = participants.filter(({ state }) => state === "running");
  return running.sort((one, other) => other.clock.left_ms - one.clock.left_ms)[0];
}

/** How many are in each of the `SECTIONS`. @returns {Object<string, number>} */
export function sectionCounts({ participants }) {
  const counts = Object.fromEntries(SECTIONS.map((section) => [section, 0]));
  for (const run of participants) counts[sectionOf(run)]++;
  return counts;
}

/**
 * @typedef {object} Result
 * @property {Participant} run
 * @property {?number} place those with the same time share one; null without a finish
 * @property {number} ms the time used
 * @property {number} gapMs behind the first
 */

/** Those who are done: finishers by their time, then those without a finish. @returns {Result[]} */
export function results({ participants }) {
  const byTime = (one, other) => one.time_used_ms - other.time_used_ms;
  const finished = participants.filter(({ state }) => state === "finished").sort(byTime);
  const closed = participants.filter(({ state }) => state === "closed");
  const best = finished[0]?.time_used_ms ?? 0;
  let place = 0;
  let last = -1;
  const ranked = finished.map((run, position) => {
    const ms = run.time_used_ms;
    if (ms !== last) [place, last] = [position + 1, ms];
    return { run, place, ms, gapMs: ms - best };
  });
  const unranked = closed.map((run) => ({ run, place: null, ms: run.time_used_ms, gapMs: 0 }));
  return [...ranked, ...unranked];
}

/**
 * @typedef {"begin"|"finish"|"pause"|"resume"|"reopen"|"give"|"giveUp"|"rename"|"remove"} Step
 */

/**
 * What the user may do with a run now; the usual step comes first.
 *
 * @param {import("./allowed.js").Allowed} allowed
 * @returns {Step[]}
 */
export function stepsOf(state, run, allowed) {
  if (isTerminal(state)) return [];
  const { manage } = allowed;
  const isOngoing = state.status !== "pending";
  const may = {
    begin: run.state === "not_begun" && allowed.begin(run.participant_id),
    resume: manage && isOngoing && run.state === "paused",
    finish: isUnderWay(run) && allowed.finish(run.participant_id),
    reopen: manage && isOngoing && sectionOf(run) === "done",
    pause: manage && isOngoing && run.state === "running",
    give: manage && !countsUp(state),
    giveUp: manage && isOngoing && sectionOf(run) !== "done",
    rename: manage,
    remove: manage && !isUnderWay(run) && state.participants.length > 1,
  };
  return Object.keys(may).filter((step) => may[step]);
}
