/**
 * The SyncKairos client. Durations are in ms; instants are in ms since 1970 on the server's clock
 * unless noted otherwise; timestamps in states are ISO 8601 in UTC.
 */

export type SyncMode =
  | "per_participant"
  | "per_cycle"
  | "per_group"
  | "global"
  | "count_up"
  | "individual";
/** What a participant does in `individual`. */
export type RunState = "not_begun" | "running" | "paused" | "overdue" | "finished" | "closed";
export type Status = "pending" | "running" | "paused" | "expired" | "completed" | "cancelled";
export type TransportName = "supabase" | "websocket" | "sse" | "polling";

export interface TimeoutAction {
  type: "notify" | "skip_cycle" | "end_session" | "auto_action";
  [key: string]: unknown;
}

/** A further period of `ms`, `count` times in a row. */
export interface Phase {
  ms: number;
  count: number;
}

/**
 * A clock as a straight line, as of the state's `server_time_ms`: `left_ms` is what it shows then,
 * and after `hold_ms` it changes by `rate` ms per ms. It is never below `floor_ms` (0 if left out)
 * and never above `ceiling_ms`. A value that comes down to zero goes on in the next phase.
 */
export interface WireClock {
  left_ms: number;
  rate: -1 | 0 | 1;
  hold_ms?: number;
  floor_ms?: number;
  ceiling_ms?: number;
  phases?: Phase[];
  /** From so many ms after the state's instant on, the clock stands still. */
  stop_ms?: number;
}

/** A command that takes effect at `effective_at`; with `adjust`, also its fields. */
export interface Scheduled {
  operation: "start" | "pause" | "resume" | "complete" | "adjust";
  effective_at: string;
  add_ms?: number;
  set_ms?: number;
  to?: "all" | "session" | "cycle" | { participants: string[] } | { groups: string[] };
  reason?: string;
  scaled?: boolean;
}

/** Which sessions to list, and how many on a page (docs/lists.md). */
export interface ListFilter {
  status?: Status;
  mode?: SyncMode;
  /** A host; for services. */
  owner?: string;
  /** ISO 8601 with `Z` or an offset, ms since 1970, or a date. */
  createdAfter?: string | number | Date;
  /** Values that the session's metadata must have. */
  metadata?: Record<string, string | number | boolean>;
  /** 1 to 100. */
  limit?: number;
  /** The `next` of the page before. */
  after?: string;
}

/** A session in a list, as of its last change. */
export interface ListedSession<Metadata = AnyMetadata> {
  session_id: string;
  status: Status;
  sync_mode: SyncMode;
  version: number;
  participant_count: number;
  metadata: Metadata | null;
  /** The host that created it; null if a service did. */
  owner: string | null;
  created_at: string;
  updated_at: string;
}

/** A page of a list, newest first. It may be empty although more follow. */
export interface ListPage<Metadata = AnyMetadata> {
  sessions: ListedSession<Metadata>[];
  /** The `after` of the next page; null at the end. */
  next: string | null;
}

/** One command for up to 50 sessions, as in the API: for those named, or those with `metadata`. */
export type BatchCommand = BatchOrder &
  (
    | { session_ids: string[]; metadata?: undefined }
    | { metadata: Record<string, string | number | boolean>; session_ids?: undefined }
  );

export interface BatchOrder {
  operation: Scheduled["operation"] | "cancel" | "unschedule";
  /** ISO 8601, with `Z` or an offset. */
  effective_at?: string;
  /** With the operation `adjust`. */
  adjust?: Pick<Scheduled, "add_ms" | "set_ms" | "to" | "reason" | "scaled"> & { reopen?: boolean };
}

/** What became of one session: when the command takes effect there, or the error. */
export interface BatchEntry {
  session_id: string;
  status?: Status;
  version?: number;
  effective_at?: string;
  /** By how much that is later than asked, ms. */
  late_ms?: number;
  scheduled?: Scheduled;
  error?: {
    status: number;
    code: ErrorCode;
    message: string;
    details?: ErrorDetails;
    retry_after_seconds?: number;
  };
}

/** The overtime of a time control, as of the state's `server_time_ms`. */
export interface Overtime {
  in_use: boolean;
  /** Periods left, the current one included. */
  periods_left?: number;
  /** Turns left in the current block, the current one included. */
  turns_left?: number;
}

/** The time that a turn may use, and what its end gives back (docs/time-controls.md). */
export interface TimeControl {
  delay_ms?: number;
  give_back_ms?: number;
  increment_ms?: number;
  /** Whether the increment is also added when the session starts. */
  first_turn?: boolean;
  max_bank_ms?: number;
  /** Byo-yomi, a Canadian block of turns, or one more bank. */
  overtime?:
    | { period_ms: number; periods: number }
    | { period_ms: number; turns: number }
    | { extra_ms: number };
  stages?: { after_turns: number; add_ms?: number; increment_ms?: number }[];
  hourglass?: boolean;
  start_on?: "start" | "first_turn";
  first_turn_within_ms?: number;
}

/** A time control that a session can ask for by its `name`. */
export interface NamedTimeControl {
  name: string;
  title: string;
  game: string;
  /** The time with which each participant or group begins. */
  total_time_ms: number;
  time_control: TimeControl;
}

/**
 * A switch with at most `window_ms` left sets the clock to `to_ms`, or adds `by_ms` to it: at most
 * `at_most` times, and never past `not_after`.
 */
export type SoftClose = {
  window_ms: number;
  at_most?: number;
  not_after?: string;
} & ({ to_ms: number; by_ms?: never } | { by_ms: number; to_ms?: never });

export interface Participant {
  participant_id: string;
  participant_index: number;
  /** The participant's own time bank at the start of the cycle. */
  total_time_ms?: number;
  /** As of the state's `server_time_ms`, like `time_remaining_ms`. */
  time_used_ms: number;
  /** Until the flag falls on the clock that applies to the participant, all overtime included. */
  time_remaining_ms?: number;
  /** What the participant's clock shows; left out if there is none. */
  clock?: WireClock;
  overtime?: Overtime;
  /** Replaces the session's for this participant. */
  time_control?: TimeControl;
  cycle_count: number;
  is_active: boolean;
  has_expired: boolean;
  group_id?: string;
  name?: string;
  /** Takes no turns. */
  is_retired?: boolean;
  /** What the participant does; only in `individual`, as all that follows. */
  state?: RunState;
  begun_at?: string;
  finished_at?: string;
  /** How long after its deadline the participant finished. */
  late_ms?: number;
  deadline_at?: string;
  extra_ms?: number;
  factor_permille?: number;
  closes_at?: string;
  /** Where the session has `overtime`: by how much the clock is below zero. */
  over_ms?: number;
}

export interface Group {
  group_id: string;
  total_time_ms: number;
  time_used_ms: number;
  time_remaining_ms: number;
  clock?: WireClock;
  overtime?: Overtime;
  /** Replaces the session's for this group. */
  time_control?: TimeControl;
  is_active: boolean;
  has_expired: boolean;
  name?: string;
  over_ms?: number;
}

/** An item of a programme (docs/programmes.md). */
export interface NewItem {
  item_id: string;
  title?: string;
  duration_ms: number;
  /** Default: `work`. */
  kind?: "work" | "break";
  /** What follows at zero. Default: `next`. */
  on_end?: "next" | "wait";
}

/** An item with its times, which are those of all rounds. */
export interface Item extends NewItem {
  kind: "work" | "break";
  on_end: "next" | "wait";
  planned_ms: number;
  /** Until the item's clock reached zero. */
  used_ms: number;
  /** After the item's clock reached zero. */
  over_ms: number;
}

/** Metadata of a session whose type isn't given. */
export type AnyMetadata = Record<string, unknown>;

/** A session at one version; `Metadata` is the type of what the application keeps with it. */
export interface SessionState<Metadata = AnyMetadata> {
  session_id: string;
  sync_mode: SyncMode;
  status: Status;
  version: number;
  participants: Participant[];
  groups?: Group[];
  active_participant_id: string | null;
  active_group_id?: string;
  /** The participant who will be active first; only while the session is pending. */
  starts_with?: string;
  /** The participant who was active last; only after the end of a session that had started. */
  ended_with?: string;
  total_time_ms?: number;
  time_per_cycle_ms: number | null;
  cycle_number: number;
  cycle_started_at: string | null;
  session_started_at: string | null;
  session_completed_at: string | null;
  increment_ms: number;
  time_control?: TimeControl;
  /** Without a first turn the session is cancelled then. */
  first_turn_by?: string;
  max_time_ms?: number;
  auto_advance: boolean;
  action_on_timeout: TimeoutAction;
  warn_at_ms?: number[];
  metadata?: Metadata;
  participants_may_pause?: boolean;
  /** The most that a participant may add to another one's clock. */
  participants_may_give_ms?: number;
  /** Lag compensation; absent if it is off. */
  lag?: { gain_ms?: number };
  /** With `lag`: how long after `deadline_at` the flag is settled. */
  flag_grace_ms?: number;
  /** Who begins when the session starts; only in `individual`, as the three that follow. */
  begins?: "together" | "each";
  closes_at?: string;
  /** How long after its deadline a participant may still finish. */
  grace_ms?: number;
  /** Who has finished may begin again, and only a command ends the session. */
  rounds?: boolean;
  /** When the session starts, or was to start, without a command. */
  start_at?: string;
  /** Times before `start_at` at which a warning is pushed. */
  warn_before_start_ms?: number[];
  /** When the session ends at the latest. */
  ends_at?: string;
  /** Whether a pause moves `ends_at`. */
  moves_with_pause?: boolean;
  extend_on_switch?: SoftClose;
  /** With `extend_on_switch`: how often the clock was extended, and how often it still can be. */
  extensions?: { used: number; left?: number };
  /** The command that was given ahead of time. */
  scheduled?: Scheduled;
  /** Whether this is a test session (docs/test-sessions.md); absent if it isn't. */
  test?: true;
  /** By how much a test session's time is ahead of the server's. */
  advanced_ms?: number;
  /** The rest of the last advance, which stopped because too many changes were due; ms. */
  advance_left_ms?: number;
  created_at: string;
  updated_at: string;
  server_time_ms: number;
  deadline_at: string | null;
  time_remaining_ms?: number;
  /** The clock that reaches zero next; left out if none counts down. */
  clock?: WireClock;
  session_clock?: WireClock;
  cycle_clock?: WireClock;
  /** The time that the session has run, without pauses. */
  elapsed_clock: WireClock;
  items?: Item[];
  repeat?: number;
  round?: number;
  /** The running item, while the session runs or is paused. */
  active_item_id?: string;
  /** By how much the programme is behind its plan; below 0 if it is ahead. */
  offset_ms?: number;
  /** Whether clocks count time below zero. */
  overtime?: boolean;
  /** With `overtime`: by how much the clock is below zero. */
  over_ms?: number;
}

/** The response to a switch, which has no complete state. */
export interface SwitchResult {
  session_id: string;
  active_participant_id: string | null;
  cycle_started_at: string | null;
  participants: Participant[];
  status: Status;
  version: number;
  cycle_number: number;
  active_item_id?: string;
  expired_participant_id?: string;
  expired_group_id?: string;
  action_applied?: TimeoutAction & { winner?: string };
  /** By how much the switch extended the clock (`extend_on_switch`). */
  extended_by_ms?: number;
}

export interface NewParticipant {
  /** 1 to 64 printable characters, like `group_id`. */
  participant_id: string;
  participant_index?: number;
  total_time_ms?: number;
  group_id?: string;
  /** At most 100 characters. */
  name?: string;
  /** A time control of its own, or the name of one (`timeControls()`). */
  time_control?: TimeControl | string;
  /** In `individual`, as the three that follow: time beyond that of others. */
  extra_ms?: number;
  /** 1 000 to 4 000: multiplies the session's time. */
  factor_permille?: number;
  /** Replaces the session's for this participant. */
  closes_at?: string;
  /** On joining: lets the limit end after the closing time, which then cuts it. */
  allow_cut?: boolean;
}

/** Exactly one of `addMs` and `setMs`. */
export interface ClockChange {
  addMs?: number;
  setMs?: number;
  to?: "all" | "session" | "cycle" | { participants: string[] } | { groups: string[] };
  reason?: string;
  /** Lets an expired session run again. */
  reopen?: boolean;
  /** In `individual`: multiplies `addMs` by each participant's factor. */
  scaled?: boolean;
}

/** At least one of these. */
export interface SessionSettings<Metadata = AnyMetadata> {
  metadata?: Metadata | null;
  warn_at_ms?: number[];
  action_on_timeout?: TimeoutAction;
  participants_may_pause?: boolean;
  participants_may_give_ms?: number;
  /** While the session is pending: another start; null: it starts by a command only. */
  start_at?: string | null;
  warn_before_start_ms?: number[];
  /** While the session is pending: another end. */
  ends_at?: string;
  /** While the session is pending: the participant who starts. */
  active_participant_id?: string;
}

/** At least one field besides `reason`. */
export interface ParticipantChange {
  total_time_ms?: number;
  overtime_periods?: number;
  /** null removes the name. */
  name?: string | null;
  is_retired?: boolean;
  reason?: string;
}

export interface NewSession<Metadata = AnyMetadata> {
  session_id?: string;
  sync_mode: SyncMode;
  participants?: NewParticipant[];
  groups?: {
    group_id: string;
    total_time_ms: number;
    name?: string;
    time_control?: TimeControl | string;
  }[];
  total_time_ms?: number;
  time_per_cycle_ms?: number;
  increment_ms?: number;
  /** Fields, or a name that `timeControls()` lists. */
  time_control?: TimeControl | string;
  max_time_ms?: number;
  active_participant_id?: string;
  auto_advance?: boolean;
  action_on_timeout?: TimeoutAction;
  warn_at_ms?: number[];
  metadata?: Metadata;
  participants_may_pause?: boolean;
  participants_may_give_ms?: number;
  /** Lag compensation, in `per_participant` and `per_group`. */
  lag?: { gain_ms?: number };
  /** Who begins when an `individual` session starts; by default `together`. */
  begins?: "together" | "each";
  /** When an `individual` session closes: ISO 8601 with an offset. */
  closes_at?: string;
  grace_ms?: number;
  rounds?: boolean;
  /** Lets a limit end after the closing time, which then cuts it. */
  allow_cut?: boolean;
  /** A programme, in `global`. */
  items?: NewItem[];
  /** Instead of items, a name that `GET /v1/programmes` lists. */
  programme?: string;
  repeat?: number;
  /** Whether clocks count time below zero. */
  overtime?: boolean;
  /** When the session starts without a command: 1 s to 30 days ahead, with `Z` or an offset. */
  start_at?: string;
  warn_before_start_ms?: number[];
  /** In `global`: when the session ends at the latest, as for `start_at`. */
  ends_at?: string;
  moves_with_pause?: boolean;
  /** In `global` and `per_cycle`. */
  extend_on_switch?: SoftClose;
  /** Makes a test session, whose time can be advanced (docs/test-sessions.md). */
  test?: boolean;
}

/** One event of the audit trail. */
export interface AuditEvent {
  version: number;
  event: string;
  occurred_at: string;
  actor: string;
  request_id: string | null;
  participant_id: string | null;
  group_id: string | null;
  time_remaining_ms: number | null;
  time_elapsed_ms: number | null;
  cycle_number: number;
  metadata: Record<string, unknown>;
}

/** The lag of one participant's turns, in ms. */
export interface ParticipantFairness {
  participant_id: string;
  turns: number;
  claimed_ms: number;
  compensated_ms: number;
  not_compensated_ms: number;
  /** The largest error bound that it sent; absent if it never sent one. */
  worst_error_ms?: number;
  /** The last frame lag that was sent with its switches; absent if none was sent. */
  frame_lag_ms?: number;
  /** The time that each of its turns adds to the quota. */
  gain_ms: number;
  /** The time that the owner of its clock may still get back. */
  quota_ms: number;
}

export interface FairnessReport {
  session_id: string;
  version: number;
  participants: ParticipantFairness[];
}

/** A live connection of a client to a session. */
export interface PresentConnection {
  connection_id: string;
  role: "service" | "host" | "cohost" | "participant" | "spectator";
  participant_id?: string;
  transport: "websocket" | "sse" | "supabase";
  connected_at: string;
  /** When the connection was last confirmed to be open. */
  seen_at: string;
  /** The client's shortest round trip, ms; absent until it is sent. */
  round_trip_ms?: number;
  /** The maximum error of the client's clock, ms; absent until it is sent. */
  error_ms?: number;
}

/** Who is connected to a session (docs/presence.md). */
export interface Presence {
  session_id: string;
  /** Those whose connections are counted: `supabase`, or the service's own. */
  transports: PresentConnection["transport"][];
  /** At most 100; `summary` counts all. */
  connections: PresentConnection[];
  summary: {
    connected: number;
    /** Connections whose client has sent its `error_ms`. */
    measured: number;
    roles: Record<PresentConnection["role"], number>;
    /** How many have an `error_ms` of at most so many ms. */
    within_ms: Record<"10" | "20" | "40" | "100" | "250" | "1000", number>;
  };
}

export interface AuditPage {
  events: AuditEvent[];
  /** The `after` of the following page; null on the last one. */
  next: number | null;
}

export type Token = string | (() => string | undefined | Promise<string | undefined>);

export interface Options {
  /** The service's URL, with its path if it has one; default: the page's origin. */
  baseUrl?: string;
  /** A function is called again when the service rejects its token. */
  token?: Token;
  /** Default: the transport that the service recommends. */
  transport?: TransportName;
  /** Loads Supabase's Realtime client; default: `import("@supabase/realtime-js")`. */
  realtime?: () => Promise<{ RealtimeClient: unknown }>;
  fetch?: typeof fetch;
  /** For Node without WebSockets: the class of the package `ws`. */
  WebSocket?: unknown;
}

/** An operation `after_ms` from now; `more` are the fields of its endpoint. */
export interface TimedOperation {
  after_ms: number;
  operation:
    | "start"
    | "pause"
    | "resume"
    | "complete"
    | "cancel"
    | "switch"
    | "go"
    | "adjust"
    | "undo"
    | "forfeit"
    | "begin"
    | "finish"
    | "reopen"
    | "pause_participant"
    | "resume_participant";
  [more: string]: unknown;
}

export interface Simulation<Metadata = AnyMetadata> {
  /** Oldest first. */
  events: SimulatedEvent[];
  /** The session at the end. */
  session: SessionState<Metadata>;
}

/** `operation` is the position of a refused operation, `error` the reason. */
export interface SimulatedEvent {
  type: "change" | "warning" | "period_ended" | "refused";
  after_ms: number;
  occurred_at: string;
  version: number;
  cause?: string;
  participant_id?: string;
  group_id?: string;
  status?: SessionState["status"];
  active_participant_id?: string;
  cycle_number?: number;
  active_item_id?: string;
  time_remaining_ms?: number;
  over_ms?: number;
  extended_by_ms?: number;
  threshold_ms?: number;
  /** A warning before the session starts. */
  before?: "start";
  periods_left?: number;
  operation?: number;
  error?: { code: ErrorCode; message: string; details?: ErrorDetails };
}

export interface CallOptions {
  /** The version that the session must still have; otherwise `PRECONDITION_FAILED`. */
  ifMatch?: number | undefined;
  /** Only ask what the action would do: resolves with that answer, and changes nothing. */
  dryRun?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Ms, including retries; default 15 000. */
  timeout?: number | undefined;
}

export interface AheadOptions extends CallOptions {
  /** The command is accepted now and takes effect then: server time, ms, up to 60 s ahead. */
  effectiveAt?: number | undefined;
}

export interface SwitchOptions extends CallOptions {
  /** Answer the whole session in place of the `SwitchResult` (`Prefer: return=representation`). */
  representation?: boolean | undefined;
}

/** A switch from one participant to another. */
export interface SwitchOrder {
  /** The participant to switch to; by default the next in order. */
  next?: string | null | undefined;
  /** The participant who must be active now; if another is, the switch fails with `CONFLICT`. */
  current?: string | null | undefined;
  /** With lag compensation: when the turn ended; by default now. */
  actedAt?: number | undefined;
  /** With lag compensation: the round trip of the player's connection, ms. */
  frameLagMs?: number | undefined;
}

/** Metadata that a command gives the session in the same change; not with `effectiveAt`. */
export interface NewMetadata<Metadata = AnyMetadata> {
  metadata?: Metadata | undefined;
}

/**
 * The API's error codes (docs/api.md). `UNREACHABLE`: the service did not answer; `UNKNOWN`: the
 * response has no code, so it comes from a proxy.
 */
export type ErrorCode =
  | "VALIDATION_ERROR"
  | "INVALID_STATE_TRANSITION"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "SESSION_NOT_FOUND"
  | "PARTICIPANT_NOT_FOUND"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "REQUEST_TIMEOUT"
  | "CONFLICT"
  | "SESSION_EXISTS"
  | "NOTHING_TO_UNDO"
  | "NOTHING_SCHEDULED"
  | "NOT_A_TEST_SESSION"
  | "NOTHING_DUE"
  | "PRECONDITION_FAILED"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "IDEMPOTENCY_KEY_REUSED"
  | "RATE_LIMIT_EXCEEDED"
  | "REQUEST_HEADER_FIELDS_TOO_LARGE"
  | "INTERNAL_ERROR"
  | "STORE_UNAVAILABLE"
  | "UNREACHABLE"
  | "UNKNOWN";

/** A wrong field, such as `participants.0.total_time_ms`; `message` goes on after its name. */
export interface FieldError {
  field: string;
  message: string;
  code: string;
}

/** What a request conflicts with, or the limit that it would exceed; only what fits the code. */
export interface ErrorContext {
  active_participant_id?: string | null;
  expected_version?: number;
  actual_version?: number;
  scheduled?: Pick<Scheduled, "operation" | "effective_at">;
  max_sessions?: number;
  max_bytes?: number;
  max_automatic_load?: number;
  max_written_bytes_per_minute?: number;
}

/** A list of wrong fields with `VALIDATION_ERROR`, else an object. */
export type ErrorDetails = FieldError[] | ErrorContext;

/** An error response. The message of a `VALIDATION_ERROR` names the first wrong field. */
export class ApiError extends Error {
  /** The HTTP status; 0 if the service did not answer. */
  readonly status: number;
  readonly code: ErrorCode;
  readonly details?: ErrorDetails;
  readonly requestId?: string;
  /** From the header `Retry-After`; 0 if there was none. */
  readonly retryAfterMs: number;
}

/** A URL that receives `events`; `off_reason` says why it is off. */
export interface Webhook {
  webhook_id: string;
  url: string;
  events: string[];
  created_at: string;
  is_on: boolean;
  off_reason?: string;
}

/** A new webhook, or one with a new secret. */
export interface NewWebhook extends Webhook {
  secret: string;
}

/** One attempt to deliver a message; `status` is the receiver's, `reason` says what failed. */
export interface Delivery {
  at: string;
  message_id: string;
  event: string;
  attempt: number;
  outcome: "delivered" | "failed" | "dead" | "dropped";
  duration_ms: number;
  status?: number;
  reason?: string;
  next_at?: string;
}

/** What a new API key may do; without a `subject` it has its own. */
export interface ApiKeyOptions {
  name: string;
  role: "service" | "host";
  subject?: string;
  /** ISO 8601. */
  expires_at?: string;
}

/** An API key, which begins with `prefix`. */
export interface ApiKey {
  key_id: string;
  name: string;
  prefix: string;
  role: "service" | "host";
  subject: string;
  created_at: string;
  created_by: string;
  last_used_at?: string;
  expires_at?: string;
  revoked_at?: string;
}

/** A new API key, with the key itself. */
export interface NewApiKey extends ApiKey {
  key: string;
}

/** API keys of the caller's tenant (docs/api-keys.md); only a service may manage them. */
export interface ApiKeys {
  /** Create a key. The answer has the key itself, for the only time. */
  create(options: ApiKeyOptions): Promise<NewApiKey>;
  /** All keys, the oldest first; revoked and expired ones for 30 days. */
  list(): Promise<ApiKey[]>;
  /** Revoke a key, which takes effect within 5 s; one that doesn't exist is ignored. */
  revoke(id: string): Promise<void>;
}

/** A token to create: its role and, if needed, its participant and its lifetime. */
export interface NewToken {
  role: "cohost" | "participant" | "spectator";
  /** With the role `participant`. */
  participant_id?: string;
  lifetime_ms?: number;
}

/** A new token of a session; `revokeToken` takes its `token_id`. */
export interface SessionToken {
  token: string;
  expires_at: string;
  token_id: string;
}

/** What a join code gives, until when, and how often (docs/join-codes.md). */
export interface NewJoinCode {
  role: "participant" | "spectator";
  expires_in_ms?: number;
  max_uses?: number;
  /** People may also join as new participants, with these settings. */
  newcomers?: { total_time_ms?: number; group_id?: string };
}

/** The open code of a session. */
export interface JoinCode {
  code: string;
  role: "participant" | "spectator";
  expires_at: string;
  max_uses: number;
  uses: number;
  newcomers?: { total_time_ms?: number; group_id?: string };
  /** Of `joinCode()`: the participants that were taken. `revokeToken` ends the token of one. */
  joined?: { participant_id: string; token_id: string }[];
}

/** The answer to a code: a `token` and the session's `url`, or the free `participants`. */
export interface Join {
  session_id: string;
  role: "participant" | "spectator";
  participant_id?: string;
  /** Absent if the service needs none. */
  token?: string;
  token_id?: string;
  expires_at?: string;
  url?: string;
  participants?: { participant_id: string; name?: string }[];
  /** A name adds a new participant. */
  may_add?: boolean;
}

/** Webhooks of the caller's tenant (docs/webhooks.md); only a service token may manage them. */
export interface Webhooks {
  /** Send these events, or `["*"]`, to `url`. The answer has the secret, for the only time. */
  create(url: string, events: string[]): Promise<NewWebhook>;
  /** All webhooks, the oldest first. */
  list(): Promise<Webhook[]>;
  /** Delete a webhook; one that doesn't exist is ignored. */
  delete(id: string): Promise<void>;
  /** Make a new secret, which the answer has; the old one stays valid for 24 h. */
  rotate(id: string): Promise<NewWebhook>;
  /** Send a test event now; resolves with what the receiver answered. */
  test(id: string): Promise<Delivery>;
  /** Attempts to deliver, oldest first; `after` is `next` of the page before. */
  deliveries(
    id: string,
    page?: { after?: string; limit?: number },
  ): Promise<{ deliveries: Delivery[]; next: string | null }>;
}

export class SyncKairos {
  constructor(options?: Options);
  readonly clock: ServerClock;
  readonly apiKeys: ApiKeys;
  readonly webhooks: Webhooks;
  /** The body of `GET /v1/time`. */
  time(): Promise<{ timestamp_ms: number; server_version: string; drift_tolerance_ms: number }>;
  /** Create a session. It has its first state; open it to follow it. */
  create<Metadata = AnyMetadata>(
    body: NewSession<Metadata>,
    options?: Omit<CallOptions, "dryRun">,
  ): Promise<Session<Metadata>>;
  /** The state that `create` would lead to; no session is made. */
  previewCreate<Metadata = AnyMetadata>(
    body: NewSession<Metadata>,
  ): Promise<SessionState<Metadata>>;
  /** A session, not followed yet; the same object per id until it is closed. */
  session<Metadata = AnyMetadata>(id: string): Session<Metadata>;
  /** Read up to 50 sessions. */
  batch(ids: string[]): Promise<{ sessions: SessionState[]; not_found: string[] }>;
  /** The caller's sessions, newest first, over all pages. */
  listSessions<Metadata = AnyMetadata>(
    filter?: ListFilter,
  ): AsyncGenerator<ListedSession<Metadata>, void, undefined>;
  /** One page of the caller's sessions. */
  listPage<Metadata = AnyMetadata>(filter?: ListFilter): Promise<ListPage<Metadata>>;
  /** Give one command to up to 50 sessions; each entry says when it takes effect, or the error. */
  batchCommands(command: BatchCommand): Promise<BatchEntry[]>;
  /** The time controls that a session can ask for by name. */
  timeControls(): Promise<NamedTimeControl[]>;
  /** Join a session with a code, which needs no token. Without `who`, it may answer who is free. */
  join(code: string, who?: { participantId?: string; name?: string }): Promise<Join>;
  /** Close all sessions and stop the clock. */
  close(): void;
}

export type Existence = "unknown" | "absent" | "present" | "deleted" | "refused";

export interface Connection {
  /**
   * `connecting`: no updates arrive at present; `live`: pushes arrive; `polling`: the session is
   * read periodically; `closed`: the session isn't followed.
   */
  readonly status: "connecting" | "live" | "polling" | "closed";
  readonly transport: TransportName | null;
  /** When this status began. */
  readonly since: number;
}

export interface Update<Metadata = AnyMetadata> {
  state: SessionState<Metadata>;
  previous: SessionState<Metadata> | null;
  /** Whether no version lies between `state` and `previous`. */
  isNext: boolean;
  /** The audit-trail event that created the state; null if unknown. */
  cause: string | null;
  /** `push`, `sync` (on joining or on request), `read`, or `action`: response to an action. */
  source: "push" | "sync" | "read" | "action";
}

/** Whose clock it is; with neither id, the session's. */
export interface Owner {
  participant_id?: string;
  group_id?: string;
  /** @deprecated Use `participant_id`. */
  readonly participantId?: string;
  /** @deprecated Use `group_id`. */
  readonly groupId?: string;
}

export interface Expired extends Owner {
  deadline_ms: number;
  action: TimeoutAction & { winner?: string };
  /** @deprecated Use `deadline_ms`. */
  readonly deadlineMs: number;
}

export interface Warning extends Owner {
  threshold_ms: number;
  remaining_ms: number;
  /** Whether the time is that until the session starts. */
  before_start: boolean;
  /** @deprecated Use `threshold_ms`. */
  readonly thresholdMs: number;
  /** @deprecated Use `remaining_ms`. */
  readonly remainingMs: number;
  /** @deprecated Use `before_start`. */
  readonly beforeStart: boolean;
}

/** A period of overtime ended; `periods_left` includes the one that began. */
export interface PeriodEnded extends Owner {
  periods_left: number;
  /** @deprecated Use `periods_left`. */
  readonly periodsLeft: number;
}

export interface SessionEvents<Metadata = AnyMetadata> {
  update: CustomEvent<Update<Metadata>>;
  expired: CustomEvent<Expired>;
  warning: CustomEvent<Warning>;
  period: CustomEvent<PeriodEnded>;
  /** Only after `open({ presence: true })`. */
  presence: CustomEvent<Presence>;
  deleted: CustomEvent<null>;
  connection: CustomEvent<{
    connection: Connection;
    existence: Existence;
    refusal: ApiError | null;
    problem: ApiError | null;
  }>;
}

export class Session<Metadata = AnyMetadata> extends EventTarget {
  readonly id: string;
  readonly clock: SessionClock;
  /** The newest state; null before the first one and after a deletion. */
  readonly state: SessionState<Metadata> | null;
  readonly existence: Existence;
  /** Why the existence is `refused`. */
  readonly refusal: ApiError | null;
  /** The error of the last read, which is repeated automatically; null if it succeeded. */
  readonly problem: ApiError | null;
  readonly connection: Connection;

  /**
   * Follow the session until `close()`. Resolves with the first state, or null if the session
   * doesn't exist yet; following goes on. Rejects with the `ApiError` of a refusal, or with that of
   * the last attempt if the service gives no answer for 15 s; in that case following goes on.
   */
  open(options?: {
    /** Emit `presence` events, too. */
    presence?: boolean | undefined;
  }): Promise<SessionState<Metadata> | null>;
  close(): void;
  /** Read the session now. Resolves with the state held then. Rejects with an `ApiError`. */
  refresh(): Promise<SessionState<Metadata> | null>;

  /**
   * Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if
   * there is none. Below zero in an overtime that is shown so.
   */
  remaining(participantId?: string | null | undefined, at?: number): number | null;
  /** Ms that a participant's cycles have taken; null for an unknown participant. */
  used(participantId: string, at?: number): number | null;
  /** Ms that the session has run; null without a state. */
  elapsed(at?: number): number | null;
  /**
   * Ms by which a participant's clock or, without an id, the running clock is below zero; null if
   * the session has no `overtime`.
   */
  over(participantId?: string | null | undefined, at?: number): number | null;
  /** Ms by which the programme is behind its plan, below 0 if ahead; null without a programme. */
  offset(at?: number): number | null;
  /** Ms until a pending session starts by itself; null if it doesn't. */
  startsIn(at?: number): number | null;
  /** Ms until the scheduled command takes effect; null without one. */
  scheduledIn(at?: number): number | null;

  start(options?: AheadOptions): Promise<SessionState<Metadata>>;
  pause(options?: AheadOptions): Promise<SessionState<Metadata>>;
  resume(options?: AheadOptions): Promise<SessionState<Metadata>>;
  /** `metadata` replaces the session's in the same change, for example with the result. */
  complete(options?: AheadOptions & NewMetadata<Metadata>): Promise<SessionState<Metadata>>;
  cancel(options?: CallOptions): Promise<SessionState<Metadata>>;
  /** Withdraw the command that was given ahead of time. */
  unschedule(options?: CallOptions): Promise<SessionState<Metadata>>;
  /**
   * Let `ms` pass in a test session, or time until `to`; without both, until something happens in it
   * without a command. If the advance stopped early, the state's `advance_left_ms` is the rest.
   */
  advance(
    how?: { ms?: number | undefined; to?: number | undefined },
    options?: CallOptions,
  ): Promise<SessionState<Metadata>>;
  delete(options?: CallOptions): Promise<void>;
  /**
   * End the running cycle; `CONFLICT` unless `current`, if given, is active. With lag compensation,
   * the turn ends at `actedAt`, by default now, as far as the quota allows. `frameLagMs` is the round
   * trip of the player's connection, which limits what each turn adds to the quota; in a browser it
   * is by default the clock's `roundTripMs`.
   */
  switch(
    who?: SwitchOrder,
    options?: SwitchOptions & { representation?: false | undefined },
  ): Promise<SwitchResult>;
  /** With `representation`, resolves with the whole state, which the session has from then on. */
  switch(
    who: SwitchOrder | undefined,
    options: SwitchOptions & { representation: true },
  ): Promise<SessionState<Metadata>>;
  switch(
    who?: SwitchOrder,
    options?: SwitchOptions,
  ): Promise<SwitchResult | SessionState<Metadata>>;
  /** Begin an item of the session's programme now, with its full time. */
  go(itemId: string, options?: CallOptions): Promise<SessionState<Metadata>>;
  addParticipant(body: NewParticipant, options?: CallOptions): Promise<SessionState<Metadata>>;
  adjust(
    participantId: string,
    totalTimeMs: number,
    reason?: string,
    options?: CallOptions,
  ): Promise<SessionState<Metadata>>;
  /** Add time to several clocks at one instant, or set them; without `to` all. */
  adjustClocks(change: ClockChange, options?: AheadOptions): Promise<SessionState<Metadata>>;
  /** Change settings; `null` removes `metadata` and `start_at`. */
  update(settings: SessionSettings<Metadata>, options?: CallOptions): Promise<SessionState<Metadata>>;
  updateParticipant(
    participantId: string,
    body: ParticipantChange,
    options?: CallOptions,
  ): Promise<SessionState<Metadata>>;
  removeParticipant(participantId: string, options?: CallOptions): Promise<SessionState<Metadata>>;
  /** Let the flag of a participant, or of its group, fall now. */
  forfeit(participantId: string, reason?: string, options?: CallOptions): Promise<SessionState<Metadata>>;
  /**
   * In `individual`: one id, several at one instant, or null for all who may begin. `metadata` replaces
   * the session's in the same change, for example with the number of a question.
   */
  begin(
    who?: string | string[] | null,
    options?: CallOptions & NewMetadata<Metadata>,
  ): Promise<SessionState<Metadata>>;
  finish(participantId: string, options?: CallOptions): Promise<SessionState<Metadata>>;
  /** Undo that a participant finished or was closed. */
  reopen(participantId: string, reason?: string, options?: CallOptions): Promise<SessionState<Metadata>>;
  pauseParticipant(
    participantId: string,
    reason?: string,
    options?: CallOptions,
  ): Promise<SessionState<Metadata>>;
  resumeParticipant(
    participantId: string,
    reason?: string,
    options?: CallOptions,
  ): Promise<SessionState<Metadata>>;
  /** Undo the last switch; `mode` says which time comes back (docs/api.md). */
  undo(
    mode: "turn_start" | "before_switch" | "as_if_never",
    details?: { reason?: string; ifVersion?: number },
    options?: CallOptions,
  ): Promise<SessionState<Metadata>>;

  /**
   * A page of the audit trail: events with a version above `after`, oldest first; with the order
   * `desc` those below it, newest first; with a `type` only those.
   */
  events(
    after?: number | null,
    limit?: number,
    which?: { type?: string; order?: "asc" | "desc" },
  ): Promise<AuditPage>;
  /** Who is connected, and how exact each client's clock is (docs/presence.md). */
  presence(): Promise<Presence>;
  /** The lag that each participant claimed and got back; empty without `lag`. */
  fairness(): Promise<FairnessReport>;
  replay(when: { version: number } | { at: string | number }): Promise<SessionState<Metadata>>;
  /** What would happen if `operations` came, each at its time. Nothing is changed. */
  simulate(operations: TimedOperation[], untilMs?: number): Promise<Simulation<Metadata>>;
  /** Open a code with which people join, in place of the one that the session has. */
  openJoinCode(body: NewJoinCode): Promise<JoinCode>;
  /** The open code, and how often it was used; rejects with a 404 without one. */
  joinCode(): Promise<JoinCode>;
  /** Close the code; the tokens that it gave stay valid. */
  closeJoinCode(): Promise<void>;
  /** Create a token for a participant, a spectator or a cohost. */
  createToken(body: NewToken): Promise<SessionToken>;
  /** @deprecated Use `createToken`. */
  mint(body: NewToken): Promise<SessionToken>;
  /** Revoke a token by its `token_id`. */
  revokeToken(tokenId: string): Promise<void>;
  /** Revoke all tokens for this session that were issued until now. */
  revokeTokens(): Promise<void>;

  addEventListener<K extends keyof SessionEvents>(
    type: K,
    listener: SessionListener<SessionEvents<Metadata>[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof SessionEvents>(
    type: K,
    listener: SessionListener<SessionEvents<Metadata>[K]> | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** A listener as a function or as an object. */
export type SessionListener<E> = ((event: E) => void) | { handleEvent(event: E): void };

/** The server's clock, estimated on this machine. Fires `sync` after each sample that is used. */
export class ServerClock extends EventTarget {
  constructor(options: {
    /** Return the server's time, rounded down to 1 ms. */
    read: () => Promise<{ serverMs: number; receivedAt?: number }>;
    monotonic?: () => number;
    wall?: () => number;
    setTimer?: (callback: () => void, ms: number) => unknown;
    clearTimer?: (timer: any) => void;
    random?: () => number;
  });
  /**
   * The server's time. Until the first sample it is estimated from the newest state; before any
   * state it is the local wall clock's.
   */
  now(): number;
  /** Upper bound of the error of `now()`; `Infinity` while it is unknown. */
  readonly errorMs: number;
  /** The server's clock minus the local wall clock. */
  readonly offsetMs: number;
  /** The shortest round trip since the estimate last restarted; `Infinity` before the first. */
  readonly roundTripMs: number;
  readonly isSynced: boolean;
  /** Measure now and keep measuring. */
  start(): Promise<void>;
  stop(): void;
  /** Take a round of samples, or wait for the current round. */
  sync(): Promise<void>;
}

/**
 * A session's own clock: the server's, or in a test session what that was advanced by more. All
 * instants of a session are on this clock.
 */
export class SessionClock {
  constructor(server: ServerClock, readState: () => SessionState<unknown> | null);
  /** The server's clock, which measures. */
  readonly server: ServerClock;
  /** The session's time. */
  now(): number;
  /** Upper bound of the error of `now()`; `Infinity` while it is unknown. */
  readonly errorMs: number;
  /** The server's clock minus the local wall clock. */
  readonly offsetMs: number;
  /** The shortest round trip since the estimate last restarted; `Infinity` before the first. */
  readonly roundTripMs: number;
  readonly isSynced: boolean;
}

/* A session's clocks at an instant `at` (ms, on its clock), computed from a state. */

export function isTerminal(state: SessionState<unknown>): boolean;
export function isRunning(state: SessionState<unknown>): boolean;
export function activeGroup(state: SessionState<unknown>): Group | undefined;
/** The participant with that id; null if there is none. UUIDs are compared in lower case. */
export function participantOf(state: SessionState<unknown>, id: string): Participant | null;
/** Ms on the clock that reaches zero next; null if none counts down. */
export function nearest(state: SessionState<unknown>, at: number): number | null;
/** Ms on a participant's clock; null if there is no such participant or no clock. */
export function remaining(state: SessionState<unknown>, participantId: string, at: number): number | null;
/** Ms on a group's clock; null if it has none. */
export function remainingOf(state: SessionState<unknown>, group: Group, at: number): number | null;
/** Ms on the session's clock and on the cycle's clock; null where there is none. */
export function sharedClocks(
  state: SessionState<unknown>,
  at: number,
): { session: number | null; cycle: number | null };
/** Ms that a participant's cycles have taken so far. */
export function used(state: SessionState<unknown>, participant: Participant, at: number): number;
/** Ms that the session has run, without pauses; null if an older service sent the state. */
export function elapsed(state: SessionState<unknown>, at: number): number | null;
/** Ms until a pending session starts by itself; null if it doesn't. */
export function startsIn(state: SessionState<unknown>, at: number): number | null;
export function scheduledIn(state: SessionState<unknown>, at: number): number | null;
/** Whether a clock of the state has nothing left: its flag has fallen. False without a clock. */
export function hasFallen(state: SessionState<unknown>, clock: WireClock | undefined, at: number): boolean;

/**
 * Ms by which a participant's clock or, without an id, the running clock is below zero; null if the
 * session doesn't count time below zero, or has no such clock.
 */
export function over(
  state: SessionState<unknown>,
  participantId: string | null | undefined,
  at: number,
): number | null;
/** Ms by which the programme is behind its plan; null without a programme. */
export function offset(state: SessionState<unknown>, at: number): number | null;

export interface OvertimeAt {
  inUse: boolean;
  /** Periods left, the current one included. */
  periodsLeft?: number;
  /** Turns left in the current block, the current one included. */
  turnsLeft?: number;
}

/** The overtime of a participant or group; null if its time control has none. */
export function overtime(
  state: SessionState<unknown>,
  owner: Participant | Group,
  at: number,
): OvertimeAt | null;
/** Ms that a clock shows at `at`; `serverTimeMs` is the `server_time_ms` of its state. */
export function shown(clock: WireClock, serverTimeMs: number, at: number): number;

/** A random UUID (version 4); works in insecure contexts too. */
export function newId(): string;
