/** The details of `expired`, `warning` and `period`, whose fields have the names of the API. */

/** Deprecated names of fields. */
const OLD_NAMES = {
  participantId: "participant_id",
  groupId: "group_id",
  deadlineMs: "deadline_ms",
  thresholdMs: "threshold_ms",
  remainingMs: "remaining_ms",
  beforeStart: "before_start",
  periodsLeft: "periods_left",
};

/**
 * Let a detail have the deprecated names of its fields, too. They are read only, and not enumerable.
 *
 * @template {object} Detail
 * @param {Detail} detail
 * @returns {Detail}
 */
export function withOldNames(detail) {
  for (const [old, name] of Object.entries(OLD_NAMES)) {
    if (name in detail) Object.defineProperty(detail, old, { get: () => detail[name] });
  }
  return detail;
}

/** The detail of a `TIME_WARNING`. */
export function warningOf({ threshold_ms, time_remaining_ms, before, ...message }) {
  return withOldNames({
    ...ownerOf(message),
    threshold_ms,
    remaining_ms: time_remaining_ms,
    before_start: before === "start",
  });
}

/** The detail of a `PERIOD_ENDED`. */
export function periodOf({ periods_left, ...message }) {
  return withOldNames({ ...ownerOf(message), periods_left });
}

/** The owner of a clock, by the id that a message has; the session's clock has no id. */
export function ownerOf({ participant_id, group_id }) {
  if (participant_id) return { participant_id };
  return group_id ? { group_id } : {};
}
