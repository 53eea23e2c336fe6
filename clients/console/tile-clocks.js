import { isSameId } from "/clients/js/ids.js";
import { noteOf } from "./clock-notes.js";
import { faceModels } from "./face-models.js";
import { countdown, elapsedTime, untilChange } from "./format.js";
import { roomView } from "./room-clock.js";
import { countsUp, runTime } from "./runs.js";
import { isLow } from "./thresholds.js";

/**
 * @typedef {object} TileClock one clock of a session, without buttons
 * @property {string} key identifies the clock across states
 * @property {boolean} isActive whether this clock runs now, or runs next
 * @property {(at: number) => TileClockView} view what it shows at a server time (ms)
 *
 * @typedef {object} TileClockView
 * @property {string} name
 * @property {string} text the time
 * @property {string} note "Flag fallen" or "Wins"; else empty
 * @property {boolean} isLow whether so little time is left that people are warned
 * @property {boolean} isOver whether no time is left
 * @property {number} untilChange ms until the text changes; Infinity if it stands
 */

/**
 * The clocks to show for a state: the chosen one, or all. If there are more than `most`, only the
 * active one, because many small clocks can't be read from a distance.
 *
 * @param {object} options
 * @param {?string} [options.chosen] id of a participant or group
 * @param {number} options.most
 * @returns {TileClock[]} empty if the session has no such participant or group
 */
export function tileClocks(state, names, { chosen, most }) {
  const isIndividual = state.sync_mode === "individual";
  if (isIndividual && !chosen) return [roomClock(state, names)];
  const clocks = isIndividual
    ? state.participants.map((run) => runClock(state, run, names))
    : faceModels(state, names).map((model) => faceClock(state, model));
  if (chosen) return clocks.filter(({ key }) => isSameId(key, chosen));
  if (clocks.length <= most) return clocks;
  return [clocks.find(({ isActive }) => isActive) ?? clocks[0]];
}

/** The clock of the whole room, for a session in which each participant has an own clock. */
function roomClock(state, names) {
  const viewAt = roomView(state, names);

  function view(at) {
    const { label, text, tone, untilChange: next = Infinity } = viewAt(at);
    const isOver = tone === "over";
    return { name: label, text, note: "", isLow: tone === "low", isOver, untilChange: next };
  }

  return { key: "room", isActive: true, view };
}

function runClock(state, run, names) {
  const isUpward = countsUp(state);
  const read = (at) => runTime(state, run, at);

  function view(at) {
    const ms = read(at);
    const isOver = !isUpward && ms <= 0 && run.state !== "finished";
    return {
      ...timeAt(read, at, isUpward),
      name: names.participant(run.participant_id),
      note: "",
      isLow: !isUpward && !isOver && run.state === "running" && isLow(ms, state),
      isOver,
    };
  }

  return { key: run.participant_id, isActive: run.state === "running", view };
}

function faceClock(state, model) {
  const read = (at) => model.read(at) ?? 0;
  const hasBegun = state.status !== "pending";

  function view(at) {
    const isOver = hasBegun && model.hasFallen(at);
    const left = model.isUpward ? model.readLeft(at) : read(at);
    return {
      ...timeAt(read, at, model.isUpward),
      name: model.name,
      note: isOver || model.isWinner ? noteOf(model, state, isOver) : "",
      isLow: hasBegun && model.isActive && !isOver && isLow(left, state),
      isOver,
    };
  }

  return { key: model.key, isActive: model.isActive, view };
}

function timeAt(read, at, isUpward) {
  const ms = read(at);
  const text = isUpward ? elapsedTime(ms) : countdown(ms);
  return { text, untilChange: untilChange(ms, read(at + 1) - ms, text.includes(".") ? 100 : 1000) };
}
