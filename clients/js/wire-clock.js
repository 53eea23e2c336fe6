/**
 * The value of one clock at an instant, computed from the straight line that the service sends. The
 * formula is that of `docs/time-controls.md`, "Clocks on the wire". All functions are pure; all
 * durations and instants are in ms, instants on the server's clock.
 *
 * @typedef {import("./synckairos.js").WireClock} WireClock
 */

/**
 * The time on a clock, ms.
 *
 * @param {WireClock} clock
 * @param {number} serverTimeMs the `server_time_ms` of the state that has the clock
 * @param {number} at the instant
 * @returns {number}
 */
export function shown(clock, serverTimeMs, at) {
  const { floor_ms: floor = 0, ceiling_ms: ceiling = Infinity } = clock;
  return Math.min(ceiling, Math.max(floor, draw(clock, serverTimeMs, at).value));
}

/** How many further phases are left after the one that the clock shows at `at`. */
export function phasesLeft(clock, serverTimeMs, at) {
  return draw(clock, serverTimeMs, at).further;
}

/** Whether the clock shows its lowest value and no phase is left: its flag has fallen. */
export function isAtEnd(clock, serverTimeMs, at) {
  const { value, further } = draw(clock, serverTimeMs, at);
  return further === 0 && value <= (clock.floor_ms ?? 0);
}

/** How many phases the state lists. */
export function phaseCount({ phases = [] }) {
  return phases.reduce((sum, { count }) => sum + count, 0);
}

function draw(clock, serverTimeMs, at) {
  const { left_ms: left, rate, hold_ms: hold = 0, stop_ms: stop = Infinity, phases = [] } = clock;
  let value = left + rate * Math.max(0, Math.min(at - serverTimeMs, stop) - hold);
  let further = phaseCount(clock);
  for (const { ms, count } of phases) {
    for (let begun = 0; begun < count && value <= 0; begun++) {
      value += ms;
      further--;
    }
  }
  return { value, further };
}
