/**
 * The shapes that the API hands out. All durations are ms, all timestamps ISO 8601 in UTC.
 *
 * @typedef {"per_participant"|"per_cycle"|"per_group"|"global"|"count_up"} SyncMode
 * @typedef {"pending"|"running"|"paused"|"expired"|"completed"|"cancelled"} Status
 *
 * @typedef {object} Participant
 * @property {string} participant_id
 * @property {number} participant_index
 * @property {number} [total_time_ms] its own bank at the anchor
 * @property {number} time_used_ms at `server_time_ms`
 * @property {number} [time_remaining_ms] at `server_time_ms`, on the clock that governs it
 * @property {number} cycle_count
 * @property {boolean} is_active
 * @property {boolean} has_expired
 * @property {string} [group_id]
 *
 * @typedef {object} Group
 * @property {string} group_id
 * @property {number} total_time_ms
 * @property {number} time_used_ms
 * @property {number} time_remaining_ms
 * @property {boolean} is_active
 * @property {boolean} has_expired
 *
 * @typedef {object} SessionState
 * @property {string} session_id
 * @property {SyncMode} sync_mode
 * @property {Status} status
 * @property {number} version
 * @property {Participant[]} participants
 * @property {Group[]} [groups]
 * @property {?string} active_participant_id
 * @property {string} [active_group_id]
 * @property {number} [total_time_ms]
 * @property {?number} time_per_cycle_ms
 * @property {number} cycle_number
 * @property {?string} cycle_started_at
 * @property {?string} session_started_at
 * @property {?string} session_completed_at
 * @property {number} increment_ms
 * @property {number} [max_time_ms]
 * @property {boolean} auto_advance
 * @property {{type: string}} action_on_timeout
 * @property {number[]} [warn_at_ms]
 * @property {Object<string, *>} [metadata]
 * @property {string} created_at
 * @property {string} updated_at
 * @property {number} server_time_ms
 * @property {?string} deadline_at
 * @property {number} [time_remaining_ms]
 */
export {};
