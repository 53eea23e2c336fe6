/**
 * The SyncKairos client. All durations are ms, all instants ms since 1970 on the server's clock
 * unless said otherwise; timestamps in states are ISO 8601 in UTC.
 */

export type SyncMode = "per_participant" | "per_cycle" | "per_group" | "global" | "count_up";
export type Status = "pending" | "running" | "paused" | "expired" | "completed" | "cancelled";
export type TransportName = "supabase" | "websocket" | "sse" | "polling";

export interface TimeoutAction {
  type: "notify" | "skip_cycle" | "end_session" | "auto_action";
  [key: string]: unknown;
}

export interface Participant {
  participant_id: string;
  participant_index: number;
  /** Its own bank at the anchor. */
  total_time_ms?: number;
  /** At `server_time_ms` of the state, as is `time_remaining_ms`. */
  time_used_ms: number;
  /** On the clock that governs it. */
  time_remaining_ms?: number;
  cycle_count: number;
  is_active: boolean;
  has_expired: boolean;
  group_id?: string;
}

export interface Group {
  group_id: string;
  total_time_ms: number;
  time_used_ms: number;
  time_remaining_ms: number;
  is_active: boolean;
  has_expired: boolean;
}

export interface SessionState {
  session_id: string;
  sync_mode: SyncMode;
  status: Status;
  version: number;
  participants: Participant[];
  groups?: Group[];
  active_participant_id: string | null;
  active_group_id?: string;
  /** Who will be active at the start; only while the session is pending. */
  starts_with?: string;
  total_time_ms?: number;
  time_per_cycle_ms: number | null;
  cycle_number: number;
  cycle_started_at: string | null;
  session_started_at: string | null;
  session_completed_at: string | null;
  increment_ms: number;
  max_time_ms?: number;
  auto_advance: boolean;
  action_on_timeout: TimeoutAction;
  warn_at_ms?: number[];
  metadata?: Record<string, unknown>;
  participants_may_pause?: boolean;
  created_at: string;
  updated_at: string;
  server_time_ms: number;
  deadline_at: string | null;
  time_remaining_ms?: number;
}

/** What a switch answers: no whole state, but who is next and what it cost. */
export interface SwitchResult {
  session_id: string;
  active_participant_id: string | null;
  cycle_started_at: string | null;
  participants: Participant[];
  status: Status;
  version: number;
  cycle_number: number;
  expired_participant_id?: string;
  expired_group_id?: string;
  action_applied?: TimeoutAction & { winner?: string };
}

export interface NewParticipant {
  participant_id: string;
  participant_index?: number;
  total_time_ms?: number;
  group_id?: string;
}

export interface NewSession {
  session_id?: string;
  sync_mode: SyncMode;
  participants?: NewParticipant[];
  groups?: { group_id: string; total_time_ms: number }[];
  total_time_ms?: number;
  time_per_cycle_ms?: number;
  increment_ms?: number;
  max_time_ms?: number;
  active_participant_id?: string;
  auto_advance?: boolean;
  action_on_timeout?: TimeoutAction;
  warn_at_ms?: number[];
  metadata?: Record<string, unknown>;
  participants_may_pause?: boolean;
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

export interface AuditPage {
  events: AuditEvent[];
  /** What to pass as `after` for the next page; null: this was the last one. */
  next: number | null;
}

export type Token = string | (() => string | undefined | Promise<string | undefined>);

export interface Options {
  /** Where the service is; default: where the page came from. */
  baseUrl?: string;
  /** A function is asked again when the service refuses what it gave. */
  token?: Token;
  /** Default: what the service recommends. */
  transport?: TransportName;
  /** Brings Supabase's Realtime client; default: `import("@supabase/realtime-js")`. */
  realtime?: () => Promise<{ RealtimeClient: unknown }>;
  fetch?: typeof fetch;
  /** For a Node without WebSockets: the class of the package `ws`. */
  WebSocket?: unknown;
}

export interface CallOptions {
  /** Only if the session has this version still; else `PRECONDITION_FAILED`. */
  ifMatch?: number | undefined;
  signal?: AbortSignal | undefined;
  /** ms in all, retries included; default 15 000. */
  timeout?: number | undefined;
}

/** An answer other than the one asked for. */
export class ApiError extends Error {
  /** The HTTP status; 0: there was no answer. */
  readonly status: number;
  /** As the API documents them; `UNREACHABLE` where `status` is 0. */
  readonly code: string;
  readonly details?: any;
  readonly requestId?: string;
  /** How long the service asks to be left alone, ms. */
  readonly retryAfterMs: number;
}

export class SyncKairos {
  constructor(options?: Options);
  readonly clock: ServerClock;
  /** The answer of `GET /v1/time`. */
  time(): Promise<{ timestamp_ms: number; server_version: string; drift_tolerance_ms: number }>;
  /** The new session, which has its state already; it isn't followed until it is opened. */
  create(body: NewSession, options?: CallOptions): Promise<Session>;
  /** A session, not followed yet; the same object for the same id until it is closed. */
  session(id: string): Session;
  batch(ids: string[]): Promise<{ sessions: SessionState[]; not_found: string[] }>;
  /** Close every session and stop the clock. */
  close(): void;
}

export type Presence = "unknown" | "absent" | "present" | "deleted" | "refused";

export interface Connection {
  /**
   * `connecting`: nothing comes at present; `live`: pushes come; `polling`: the session is read
   * again and again; `closed`: not followed.
   */
  readonly status: "connecting" | "live" | "polling" | "closed";
  readonly transport: TransportName | null;
  /** Since when, ms of the server's clock. */
  readonly since: number;
}

export interface Update {
  state: SessionState;
  previous: SessionState | null;
  /** No version lies between the two. */
  isNext: boolean;
  /** The event that made it, as the audit trail names it; null where that isn't known. */
  cause: string | null;
  /** `push`, `sync` (on connecting), `read`, or `action`: the answer to one's own. */
  source: "push" | "sync" | "read" | "action";
}

/** Without an id the clock is everybody's. */
export interface Owner {
  participantId?: string;
  groupId?: string;
}

export interface Expired extends Owner {
  deadlineMs: number;
  action: TimeoutAction & { winner?: string };
}

export interface Warning extends Owner {
  thresholdMs: number;
  remainingMs: number;
}

export interface SessionEvents {
  update: CustomEvent<Update>;
  expired: CustomEvent<Expired>;
  warning: CustomEvent<Warning>;
  deleted: CustomEvent<null>;
  connection: CustomEvent<{
    connection: Connection;
    presence: Presence;
    refusal: ApiError | null;
    problem: ApiError | null;
  }>;
}

export class Session extends EventTarget {
  readonly id: string;
  readonly clock: ServerClock;
  /** The newest one; null before the first and after a deletion. */
  readonly state: SessionState | null;
  readonly presence: Presence;
  /** Why it is `refused`. */
  readonly refusal: ApiError | null;
  /** The error of the last read, which is repeated by itself; null where nothing is wrong. */
  readonly problem: ApiError | null;
  readonly connection: Connection;

  /**
   * Follow it until `close()`. Rejects with the `ApiError` of a refusal. Null: there is no such
   * session yet; it is waited for.
   */
  open(): Promise<SessionState | null>;
  close(): void;
  /** Read it now, whatever is known; settles when that is done. Rejects with an `ApiError`. */
  refresh(): Promise<SessionState | null>;

  /** What is left on a participant's clock or, without one, on the clock that runs; null: none. */
  remaining(participantId?: string | null | undefined, at?: number): number | null;
  /** How long a participant's cycles have taken; null: there is no such participant. */
  used(participantId: string, at?: number): number | null;
  /** How long the session has run; null without a state. */
  elapsed(at?: number): number | null;

  start(options?: CallOptions): Promise<SessionState>;
  pause(options?: CallOptions): Promise<SessionState>;
  resume(options?: CallOptions): Promise<SessionState>;
  complete(options?: CallOptions): Promise<SessionState>;
  cancel(options?: CallOptions): Promise<SessionState>;
  delete(options?: CallOptions): Promise<void>;
  /** `current`: whose cycle it is meant to end; if that is over already, `CONFLICT`. */
  switch(
    who?: { next?: string | null | undefined; current?: string | null | undefined },
    options?: CallOptions,
  ): Promise<SwitchResult>;
  addParticipant(body: NewParticipant, options?: CallOptions): Promise<SessionState>;
  adjust(
    participantId: string,
    totalTimeMs: number,
    reason?: string,
    options?: CallOptions,
  ): Promise<SessionState>;

  /** A page of the audit trail: events with a version above `after`. */
  events(after?: number, limit?: number): Promise<AuditPage>;
  replay(when: { version: number } | { at: string | number }): Promise<SessionState>;
  mint(body: {
    role: "participant" | "spectator";
    participant_id?: string;
    lifetime_ms?: number;
  }): Promise<{ token: string; expires_at: string }>;

  addEventListener<K extends keyof SessionEvents>(
    type: K,
    listener: (event: SessionEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof SessionEvents>(
    type: K,
    listener: (event: SessionEvents[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** The server's clock, as this machine knows it. Fires `sync` when the estimate has changed. */
export class ServerClock extends EventTarget {
  constructor(options: {
    /** What the server's clock read, rounded down to 1 ms. */
    read: () => Promise<{ serverMs: number; receivedAt?: number }>;
    monotonic?: () => number;
    wall?: () => number;
    setTimer?: (callback: () => void, ms: number) => unknown;
    clearTimer?: (timer: any) => void;
    random?: () => number;
  });
  /** The server's time; the local wall clock until the first sample. */
  now(): number;
  /** The most that `now()` can be off; `Infinity` while nothing is known. */
  readonly errorMs: number;
  /** How far the server's clock is ahead of the local wall clock. */
  readonly offsetMs: number;
  /** Of the best recent sample; `Infinity` before the first. */
  readonly roundTripMs: number;
  readonly isSynced: boolean;
  /** Measure now, and keep measuring. */
  start(): Promise<void>;
  stop(): void;
  /** Take a round of samples. */
  sync(): Promise<void>;
}

/* What clocks show at an instant, from a state alone. */

export function isTerminal(state: SessionState): boolean;
export function isRunning(state: SessionState): boolean;
export function activeGroup(state: SessionState): Group | undefined;
/** What is left on the clock that runs, or would run; null when nothing runs toward zero. */
export function nearest(state: SessionState, at: number): number | null;
export function remaining(state: SessionState, participantId: string, at: number): number | null;
export function remainingOf(state: SessionState, group: Group, at: number): number;
export function sharedClocks(
  state: SessionState,
  at: number,
): { session: number | null; cycle: number | null };
export function used(state: SessionState, participant: Participant, at: number): number;
export function elapsed(state: SessionState, at: number): number;

/** A random UUID (version 4), in insecure contexts too. */
export function newId(): string;
