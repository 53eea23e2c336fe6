/**
 * Intervals, timeouts and bounds, the same in both client libraries. Their meanings and reasons are
 * in `clients/conformance/timing.json`. A pair is a range, from which a random value is taken.
 */

// Requests
export const ATTEMPTS = 5;
export const CALL_TIMEOUT_MS = 15_000;
export const ATTEMPT_TIMEOUT_MS = 5000;
export const BACKOFF_FIRST_MS = 200;
export const BACKOFF_MAX_MS = 5000;
export const BACKOFF_JITTER = [0.5, 1];

// Clock
export const FIRST_ROUND_SAMPLES = 8;
export const ROUND_SAMPLES = 3;
export const SECOND_ROUND_MS = 1500;
export const ROUND_EVERY_MS = 30_000;
export const SLEEP_CHECK_MS = 1000;
export const CLOCK_JUMP_MS = 250;
export const SLEW = 0.1;
export const DRIFT = 120e-6;
export const ROUNDED_UP_MS = 0.5;
export const ROUNDED_DOWN_MS = 1;

// State checks
export const FREQUENT_FOR_MS = 10_000;
export const FREQUENT_EVERY_MS = 700;
export const CALM_EVERY_MS = 15_000;
export const PING_EVERY_MS = 10_000;
export const PONG_TIMEOUT_MS = 700;
export const DEAD_AFTER_MS = 5000;
export const LOW_QUOTA = 20;
export const LOW_QUOTA_EVERY_MS = 3000;
export const POLL_EVERY_MS = [720, 900];
export const POLL_SELDOM_MS = [17_500, 22_500];
export const POLL_ABSENT_MS = [1750, 2250];
export const JOIN_WAIT_MS = [250, 500];
export const SYNC_WAIT_MS = 200;
export const DEADLINE_PUSHED_MS = 300;
export const DEADLINE_POLLED_MS = 50;
export const DEADLINE_REPEAT_MS = 3000;
export const SWITCH_PUSH_WAIT_MS = 250;
export const GAP_MS = [50, 150];
export const WHOLE_READ_EVERY = 10;
export const MAX_MISSING = 256;
export const EXPIRY_GRACE_MS = 300;
export const MAX_EXPIRIES = 64;

// Connection
export const MAX_FAILURES = 2;
export const CONNECT_TIMEOUT_MS = 3000;
export const SUPABASE_CONNECT_TIMEOUT_MS = 6000;
export const UPGRADE_EVERY_MS = [35_000, 45_000];
export const STABLE_AFTER_MS = 5000;
export const RENEW_AT = 0.8;
export const MIN_RENEWAL_DELAY_MS = 1000;
export const SILENCE_TIMEOUT_MS = 35_000;
export const TOO_MANY_DELAY_MS = 5000;

// Presence at Supabase
export const PRESENCE_EVERY_MS = 1000;
export const PRESENCE_GATHER_MS = 200;
export const PRESENCE_SECOND_MS = 2000;
export const PRESENCE_AGAIN_MS = 15_000;
export const PRESENCE_RETRY_MS = [60_000, 90_000];
