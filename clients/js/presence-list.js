import { MOST_MS } from "./measurement.js";

/** Bounds of the summary, ms: it counts the clocks that are exact to within each of them. */
const BOUNDS_MS = [10, 20, 40, 100, 250, 1000];
const ROLES = ["service", "host", "cohost", "participant", "spectator"];
const RANKS = { participant: 1, spectator: 2 };
const MOST_LISTED = 100;
const MOST_ID_LENGTH = 255;

/**
 * The presence of a session, made from what its clients show at Supabase. The role is that of the
 * channel, and so of the client's token. Everything else is what the client says: a value that isn't
 * valid is left out.
 *
 * @param {{id: string, shown: {role: string, key: string, said: object}[], now: number}} found `id`:
 *   the session's; `now`: the server's time, ms since 1970
 * @returns {import("./synckairos.js").Presence}
 */
export function presenceOf({ id, shown, now }) {
  const connections = shown.map((one) => connectionOf(one, now)).sort(compare);
  const errors = connections.flatMap(({ error_ms: ms }) => ms ?? []);
  return {
    session_id: id,
    transports: ["supabase"],
    connections: connections.slice(0, MOST_LISTED),
    summary: {
      connected: connections.length,
      measured: errors.length,
      roles: counts(ROLES, (role) => shown.filter((one) => one.role === role)),
      within_ms: counts(BOUNDS_MS, (ms) => errors.filter((one) => one <= ms)),
    },
  };
}

/** How many there are of each key, by `findAll(key)`. */
function counts(keys, findAll) {
  return Object.fromEntries(keys.map((key) => [key, findAll(key).length]));
}

/** How many bounds of the summary a clock's error exceeds; -1 if it is unknown. */
export function errorClass(errorMs) {
  return errorMs === undefined ? -1 : BOUNDS_MS.filter((bound) => errorMs > bound).length;
}

function connectionOf({ role, key, said }, now) {
  const [roundTrip, error] = [msOf(said.round_trip_ms), msOf(said.error_ms)];
  return {
    connection_id: key,
    role,
    ...(role === "participant" && isId(said.participant_id) && { participant_id: said.participant_id }),
    transport: "supabase",
    connected_at: new Date(instantOf(said.connected_at, now)).toISOString(),
    seen_at: new Date(now).toISOString(),
    ...(roundTrip !== undefined && { round_trip_ms: roundTrip }),
    ...(error !== undefined && { error_ms: error }),
  };
}

/** Those who run the session come first, then participants, then spectators; the earliest first. */
function compare(a, b) {
  return (
    (RANKS[a.role] ?? 0) - (RANKS[b.role] ?? 0) ||
    order(a.connected_at, b.connected_at) ||
    order(a.connection_id, b.connection_id)
  );
}

function order(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** An instant from 1970 to now, which also stands for an invalid one. */
function instantOf(value, now) {
  const parsed = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(parsed) ? now : Math.max(0, Math.min(parsed, now));
}

function msOf(value) {
  return Number.isInteger(value) && value >= 0 && value <= MOST_MS ? value : undefined;
}

function isId(value) {
  return typeof value === "string" && value !== "" && value.length <= MOST_ID_LENGTH;
}
