/** Session states for tests. */

export const T0 = Date.parse("2025-10-09T08:53:20.000Z");
export const ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10";

/** ISO 8601, `ms` after `T0`. */
export function at(ms) {
  return new Date(T0 + ms).toISOString();
}

/** A clock that shows `left` ms and runs at `rate`. */
export function clock(left, rate = 0, more = {}) {
  return { left_ms: left, rate, ...more };
}

/** A participant with `left` ms, whose clock runs down if the participant is active. */
export function person(id, left, more = {}) {
  return {
    participant_id: id,
    time_used_ms: 0,
    is_active: false,
    cycle_count: 0,
    has_expired: left === 0,
    ...(left !== undefined && {
      time_remaining_ms: left,
      clock: clock(left, more.is_active && left ? -1 : 0),
    }),
    ...more,
  };
}

/** A running session whose cycle started at `T0`. */
export function session(mode, participants, more = {}) {
  return {
    session_id: ID,
    sync_mode: mode,
    status: "running",
    version: 1,
    participants,
    active_participant_id: participants.find((one) => one.is_active)?.participant_id ?? null,
    time_per_cycle_ms: null,
    cycle_number: 1,
    cycle_started_at: at(0),
    session_started_at: at(0),
    session_completed_at: null,
    deadline_at: null,
    created_at: at(-1000),
    updated_at: at(0),
    server_time_ms: T0,
    action_on_timeout: { type: "notify" },
    elapsed_clock: clock(0, 1),
    ...more,
  };
}

/** Ada's clock runs with 10 s left, unless the session isn't running; Ben's stands at 9 s. */
export function chess(more = {}) {
  const rate = (more.status ?? "running") === "running" ? 1 : 0;
  const people = [
    person("ada", 10_000, { is_active: true, clock: clock(10_000, -rate) }),
    person("ben", 9_000),
  ];
  return session("per_participant", people, {
    deadline_at: at(10_000),
    time_remaining_ms: 10_000,
    clock: clock(10_000, -rate),
    elapsed_clock: clock(0, rate),
    ...more,
  });
}
