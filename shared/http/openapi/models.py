"""Models of the response bodies for the OpenAPI document; tests check real responses with them."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from shared.application.api_key_format import KEY
from shared.application.authorization import Role
from shared.application.ports.api_keys import ApiKeyRole
from shared.application.ports.join_codes import JoinRole
from shared.application.ports.presence import LiveTransport
from shared.application.ports.webhooks import AttemptOutcome
from shared.domain.events import EventType
from shared.domain.individual_clock import Begins, RunState
from shared.domain.programme import ItemKind, OnEnd
from shared.domain.scheduled_command import ScheduledOperation
from shared.domain.session import Status, SyncMode
from shared.http.fields import Id, Name, Uuid

T = TypeVar("T")
Ms = Annotated[int, Field(ge=0, description="ms")]
EpochMs = Annotated[int, Field(description="ms since the Unix epoch, on the server's clock")]
Timestamp = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T09:30:05.123Z"])
]


def _remove_default(schema: dict[str, Any]) -> None:
    schema.pop("default")


def omittable() -> Any:
    """Declare a field that is left out, never null, when it has no value."""
    return Field(default=None, json_schema_extra=_remove_default)


class ResponseModel(BaseModel):
    """An object with these fields and no others; optional fields may be left out."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Phase(ResponseModel):
    """Further periods of `ms` each."""

    ms: Ms
    count: Annotated[int, Field(ge=1)]


class Clock(ResponseModel):
    """A clock as a straight line from the state's `server_time_ms` on.

    At server time t it shows `left_ms + rate * max(0, t - server_time_ms - hold_ms)`, not below
    `floor_ms` (0 if absent) and not above `ceiling_ms`. At zero it continues with its `phases`.
    From `server_time_ms + stop_ms` on it stands still.
    """

    left_ms: int
    rate: Literal[-1, 0, 1]
    hold_ms: Ms = omittable()
    floor_ms: int = omittable()
    ceiling_ms: Ms = omittable()
    phases: list[Phase] = omittable()
    stop_ms: Ms = omittable()


class Overtime(ResponseModel):
    """The overtime of a clock; both counts include the current period or turn."""

    in_use: bool
    periods_left: int = omittable()
    turns_left: int = omittable()


class OvertimeRule(ResponseModel):
    """Byo-yomi (`periods`), a Canadian block (`turns`), or an extra bank (`extra_ms`)."""

    period_ms: Ms = omittable()
    periods: int = omittable()
    turns: int = omittable()
    extra_ms: Ms = omittable()


class Stage(ResponseModel):
    """Begins when its owner has completed `after_turns` turns."""

    after_turns: int
    add_ms: Ms = omittable()
    increment_ms: Ms = omittable()


class TimeControl(ResponseModel):
    """The time that a turn may use, and what its end gives back; absent fields are 0 or false."""

    delay_ms: Ms = omittable()
    give_back_ms: Ms = omittable()
    increment_ms: Ms = omittable()
    first_turn: bool = omittable()
    max_bank_ms: Ms = omittable()
    overtime: OvertimeRule = omittable()
    stages: list[Stage] = omittable()
    hourglass: bool = omittable()
    start_on: Literal["start", "first_turn"] = omittable()
    first_turn_within_ms: Ms = omittable()


class Preset(ResponseModel):
    """A named time control, with the time with which each participant or group begins."""

    name: str
    title: str
    game: str
    total_time_ms: Ms
    time_control: TimeControl


class Presets(ResponseModel):
    """All time controls that a session can ask for by name."""

    time_controls: list[Preset]


class ItemSettings(ResponseModel):
    """An item of a programme; by default it is `work`, and the `next` one follows it."""

    item_id: Id
    title: Name = omittable()
    duration_ms: Ms
    kind: ItemKind = omittable()
    on_end: OnEnd = omittable()


class ProgrammePreset(ResponseModel):
    """A named programme; its items are played `repeat` times, by default once."""

    name: str
    title: str
    use: str
    items: list[ItemSettings]
    repeat: int = omittable()


class Programmes(ResponseModel):
    """All programmes that a session can ask for by name."""

    programmes: list[ProgrammePreset]


class Item(ResponseModel):
    """An item of the session's programme. The last three times are those of all rounds.

    `used_ms` was taken until the item's clock reached zero, and `over_ms` after that.
    """

    item_id: Id
    title: Name = omittable()
    duration_ms: Ms
    kind: ItemKind
    on_end: OnEnd
    planned_ms: Ms
    used_ms: Ms
    over_ms: Ms


OverMs = Annotated[int, Field(ge=0, description="With `overtime`: ms that the clock is below zero")]
Offset = Annotated[
    int, Field(description="Ms that the programme is behind its plan; below 0 if it is ahead")
]


class Participant(ResponseModel):
    """`total_time_ms` is the value at `cycle_started_at`; the other times are live.

    In `individual`, `total_time_ms` is all time that the participant may use; `state`, `begun_at`,
    `finished_at`, `late_ms` and `deadline_at` say what it does.
    """

    participant_id: Id
    participant_index: int
    total_time_ms: Ms = omittable()
    time_used_ms: Ms
    time_remaining_ms: Ms = omittable()
    cycle_count: int
    is_active: bool
    has_expired: bool
    group_id: Id = omittable()
    clock: Clock = omittable()
    overtime: Overtime = omittable()
    time_control: TimeControl = omittable()
    name: Name = omittable()
    is_retired: bool = omittable()
    state: RunState = omittable()
    begun_at: str = omittable()
    finished_at: str = omittable()
    late_ms: Ms = omittable()
    deadline_at: str = omittable()
    extra_ms: Ms = omittable()
    factor_permille: int = omittable()
    closes_at: str = omittable()
    over_ms: OverMs = omittable()


class Group(ResponseModel):
    """Participants that share a bank."""

    group_id: Id
    total_time_ms: Ms
    time_used_ms: Ms
    time_remaining_ms: Ms
    is_active: bool
    has_expired: bool
    clock: Clock
    overtime: Overtime = omittable()
    time_control: TimeControl = omittable()
    name: Name = omittable()
    over_ms: OverMs = omittable()


class TimeoutAction(BaseModel):
    """The configured action, with the application's own keys."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    type: Literal["notify", "skip_cycle", "end_session", "auto_action"]


class AppliedAction(TimeoutAction):
    """The applied action; `winner` is the only participant or group with time left, for
    `winner_by: "time"`."""

    winner: Id = omittable()


class Lag(ResponseModel):
    """Lag compensation. Without `gain_ms`, each turn adds what the owner's time says."""

    gain_ms: Ms = omittable()


class SoftClose(ResponseModel):
    """A switch with at most `window_ms` left sets the clock to `to_ms`, or adds `by_ms` to it."""

    window_ms: Ms
    to_ms: Ms = omittable()
    by_ms: Ms = omittable()
    at_most: int = omittable()
    not_after: str = omittable()


class Extensions(ResponseModel):
    """How often switches have extended the clock; `left` only with `at_most`."""

    used: int
    left: int = omittable()


class AdjustedClocks(ResponseModel):
    """The participants or groups whose clocks are adjusted."""

    participants: list[Id] = omittable()
    groups: list[Id] = omittable()


class Scheduled(ResponseModel):
    """A command that takes effect at `effective_at`; with `adjust`, the fields of that."""

    operation: ScheduledOperation
    effective_at: Timestamp
    add_ms: int = omittable()
    set_ms: int = omittable()
    to: Literal["all", "session", "cycle"] | AdjustedClocks = omittable()
    reason: str = omittable()
    scaled: bool = omittable()


FlagGrace = Annotated[
    int,
    Field(ge=0, description="With `lag`: how long after `deadline_at` the flag is settled, ms"),
]


AdvancedMs = Annotated[
    int,
    Field(ge=0, description="Test sessions only: by how much its time is ahead of `/v1/time`, ms"),
]


class Session(ResponseModel):
    """A session. Live times are as of `server_time_ms`.

    While it is pending, no participant is active and `starts_with` names the first one. After its
    end, `ended_with` names the last one.
    """

    session_id: Uuid
    sync_mode: SyncMode
    status: Status
    version: Annotated[int, Field(ge=1)]
    participants: list[Participant]
    groups: list[Group] = omittable()
    active_participant_id: Id | None
    active_group_id: Id = omittable()
    starts_with: Id = omittable()
    ended_with: Id = omittable()
    total_time_ms: Ms = omittable()
    time_per_cycle_ms: Ms | None
    cycle_number: int
    cycle_started_at: Timestamp | None
    session_started_at: Timestamp | None
    session_completed_at: Timestamp | None
    increment_ms: Ms
    max_time_ms: Ms = omittable()
    auto_advance: bool
    action_on_timeout: TimeoutAction
    warn_at_ms: list[int] = omittable()
    metadata: dict[str, Any] = omittable()
    participants_may_pause: bool = omittable()
    participants_may_give_ms: Ms = omittable()
    created_at: Timestamp
    updated_at: Timestamp
    server_time_ms: EpochMs
    deadline_at: Timestamp | None
    first_turn_by: str = omittable()
    time_remaining_ms: Ms = omittable()
    time_control: TimeControl = omittable()
    clock: Clock = omittable()
    session_clock: Clock = omittable()
    cycle_clock: Clock = omittable()
    elapsed_clock: Clock
    lag: Lag = omittable()
    flag_grace_ms: FlagGrace = omittable()
    begins: Begins = omittable()
    closes_at: str = omittable()
    grace_ms: Ms = omittable()
    rounds: bool = omittable()
    items: list[Item] = omittable()
    repeat: int = omittable()
    round: int = omittable()
    active_item_id: Id = omittable()
    offset_ms: Offset = omittable()
    overtime: bool = omittable()
    over_ms: OverMs = omittable()
    start_at: str = omittable()
    warn_before_start_ms: list[Ms] = omittable()
    ends_at: str = omittable()
    moves_with_pause: bool = omittable()
    extend_on_switch: SoftClose = omittable()
    extensions: Extensions = omittable()
    scheduled: Scheduled = omittable()
    test: Literal[True] = omittable()
    advanced_ms: AdvancedMs = omittable()
    advance_left_ms: Ms = omittable()


class Summary(ResponseModel):
    """The active participant or group, and its remaining time."""

    session_id: Uuid
    status: Status
    version: Annotated[int, Field(ge=1)]
    active_participant_id: Id | None
    active_group_id: Id = omittable()
    starts_with: Id = omittable()
    deadline_at: Timestamp | None
    first_turn_by: str = omittable()
    time_remaining_ms: Ms = omittable()
    server_time_ms: EpochMs
    flag_grace_ms: FlagGrace = omittable()
    active_item_id: Id = omittable()
    offset_ms: Offset = omittable()
    over_ms: OverMs = omittable()
    start_at: str = omittable()
    ends_at: str = omittable()
    scheduled: Scheduled = omittable()
    advanced_ms: AdvancedMs = omittable()


class SwitchResult(ResponseModel):
    """The result of a switch.

    `action_applied` and `expired_*` are only present if a clock had run out, `extended_by_ms` only
    if the switch extended the clock.
    """

    session_id: Uuid
    active_participant_id: Id | None
    cycle_started_at: Timestamp | None
    participants: list[Participant]
    status: Status
    version: Annotated[int, Field(ge=1)]
    cycle_number: int
    active_item_id: Id = omittable()
    expired_participant_id: Id = omittable()
    expired_group_id: Id = omittable()
    action_applied: AppliedAction = omittable()
    extended_by_ms: Ms = omittable()


class ParticipantResult(ResponseModel):
    """The result of a command on one individual clock, without the other participants.

    The fields are those of the Session, and `participant` is one of its participants.
    """

    session_id: Uuid
    status: Status
    version: Annotated[int, Field(ge=1)]
    server_time_ms: EpochMs
    participant: Participant


class FairnessOfParticipant(ResponseModel):
    """The lag of a participant's turns.

    `worst_error_ms` and `frame_lag_ms` are absent if its switches never had them. `gain_ms` is what
    each of its turns adds to `quota_ms`, which the owner of its clock may still get back.
    """

    participant_id: Id
    turns: int
    claimed_ms: Ms
    compensated_ms: Ms
    not_compensated_ms: Ms
    worst_error_ms: Ms = omittable()
    frame_lag_ms: Ms = omittable()
    gain_ms: Ms
    quota_ms: Ms


class Fairness(ResponseModel):
    """The lag that was claimed and given back; no participants without lag compensation."""

    session_id: Uuid
    version: Annotated[int, Field(ge=1)]
    participants: list[FairnessOfParticipant]


class PresentConnection(ResponseModel):
    """A live connection. Without `round_trip_ms` and `error_ms`, its client hasn't said them."""

    connection_id: str
    role: Role
    participant_id: Id = omittable()
    transport: LiveTransport
    connected_at: Timestamp
    seen_at: Timestamp
    round_trip_ms: Ms = omittable()
    error_ms: Ms = omittable()


class PresenceSummary(ResponseModel):
    """Counts of all connections: by role, and by the maximum error of their clocks.

    `measured` counts the connections whose client has said its error. `within_ms` has for each
    bound how many of these errors are at most as large.
    """

    connected: int
    measured: int
    roles: dict[Role, int]
    within_ms: dict[str, int]


class Presence(ResponseModel):
    """The live connections of a session; at most 100 are listed, `summary` counts all.

    `transports` are those whose connections are counted.
    """

    session_id: Uuid
    transports: list[LiveTransport]
    connections: list[PresentConnection]
    summary: PresenceSummary


class FieldError(ResponseModel):
    """One violated rule."""

    field: str
    message: str
    code: str


class SimulatedError(ResponseModel):
    """Why an operation would be refused, as in the error of a single request."""

    code: str
    message: str
    details: list[FieldError] | dict[str, Any] = omittable()


class SimulatedEvent(ResponseModel):
    """One event of a simulation; its fields depend on `type`.

    `operation` is the position of the refused operation in the request. `time_remaining_ms` is that
    of the clock concerned, before a next cycle begins.
    """

    type: Literal["change", "warning", "period_ended", "refused"]
    after_ms: Ms
    occurred_at: Timestamp
    version: Annotated[int, Field(ge=1)]
    participant_id: Id = omittable()
    group_id: Id = omittable()
    cause: EventType = omittable()
    status: Status = omittable()
    active_participant_id: Id = omittable()
    cycle_number: int = omittable()
    active_item_id: Id = omittable()
    time_remaining_ms: int = omittable()
    over_ms: int = omittable()
    extended_by_ms: Ms = omittable()
    threshold_ms: int = omittable()
    before: Literal["start"] = omittable()
    periods_left: int = omittable()
    operation: int = omittable()
    error: SimulatedError = omittable()


class Simulation(ResponseModel):
    """What would happen, oldest first, and the session at the end."""

    events: Annotated[list[SimulatedEvent], Field(max_length=1_000)]
    session: Session


class ListedSession(ResponseModel):
    """A session in a list, as of its last change. `owner` is the host that created it, if any."""

    session_id: Uuid
    status: Status
    sync_mode: SyncMode
    version: Annotated[int, Field(ge=1)]
    participant_count: Annotated[int, Field(ge=0)]
    metadata: dict[str, Any] | None
    owner: str | None
    created_at: Timestamp
    updated_at: Timestamp


class SessionList(ResponseModel):
    """A page of a list, newest first; `next` is the next page's `after`, if any."""

    sessions: Annotated[list[ListedSession], Field(max_length=100)]
    next: str | None


class Batch(ResponseModel):
    """The sessions found, in the requested order, and the ids not found."""

    sessions: list[Session]
    not_found: list[Uuid]


class SessionError(ResponseModel):
    """Why one session of a batch refused the command, as in the error of a single request."""

    status: int
    code: str
    message: str
    details: Any = omittable()
    retry_after_seconds: int = omittable()


class BatchCommandEntry(ResponseModel):
    """What became of one session: when the command takes effect there, or the error.

    `late_ms` is by how much that is later than the `effective_at` of the request.
    """

    session_id: Uuid
    status: Status = omittable()
    version: Annotated[int, Field(ge=1)] = omittable()
    effective_at: str = omittable()
    late_ms: Ms = omittable()
    scheduled: Scheduled = omittable()
    error: SessionError = omittable()


class BatchCommands(ResponseModel):
    """One entry for each session, in the order of the request."""

    sessions: list[BatchCommandEntry]


class AuditEvent(ResponseModel):
    """One accepted change: its actor, the participant or group, and the clock just before it."""

    version: Annotated[int, Field(ge=1)]
    event: EventType
    occurred_at: Timestamp
    actor: str
    request_id: str | None
    participant_id: Id | None
    group_id: Id | None
    time_remaining_ms: Ms | None
    time_elapsed_ms: Ms | None
    cycle_number: int
    metadata: Annotated[dict[str, Any], Field(description="Details that depend on `event`")]


class AuditTrail(ResponseModel):
    """A page of the audit trail; `next` is the next page's `after`, if any."""

    events: list[AuditEvent]
    next: int | None


class Token(ResponseModel):
    """A token, valid until `expires_at` or until it is revoked."""

    token: str
    expires_at: Timestamp
    token_id: str


class JoinCodeNewcomers(ResponseModel):
    """The time and group of each participant that the code adds."""

    total_time_ms: Ms = omittable()
    group_id: Id = omittable()


class JoinedParticipant(ResponseModel):
    """A participant whom a person took with the code, and the id of that person's token."""

    participant_id: Id
    token_id: str


class JoinCode(ResponseModel):
    """An open code, how often it was used, and how often it may be.

    `joined` is in the answer of GET, if the code is for participants and gives tokens.
    """

    code: Annotated[str, Field(examples=["BCDFGH"])]
    role: JoinRole
    expires_at: Timestamp
    max_uses: Annotated[int, Field(ge=1)]
    uses: Annotated[int, Field(ge=0)]
    newcomers: JoinCodeNewcomers = omittable()
    joined: list[JoinedParticipant] = omittable()


class FreeParticipant(ResponseModel):
    """A participant who is still free: a person who joins may choose it."""

    participant_id: Id
    name: str = omittable()


class Join(ResponseModel):
    """Joined, with `url`, the page of the session; or `participants`, from whom to choose.

    There is no token if the service needs none. `may_add`: a `name` adds a new participant.
    """

    session_id: Uuid
    role: JoinRole
    participant_id: Id = omittable()
    token: str = omittable()
    token_id: str = omittable()
    expires_at: str = omittable()
    url: str = omittable()
    participants: list[FreeParticipant] = omittable()
    may_add: bool = omittable()


class SupabasePresenceTopics(ResponseModel):
    """The channels on which Presence shows who follows the session through Supabase Realtime.

    Join `topic` as a private channel with presence, and track what you tell about yourself. With
    `?presence=1`, callers who may read the presence also get `topics`, the channel of each role.
    """

    topic: str
    participant_id: Id = omittable()
    topics: dict[Role, str] = omittable()


class SupabaseSubscription(ResponseModel):
    """Join `topic` as a private channel of the Supabase project at `url`. An event's name is the
    message's type, its payload the message. Request a new token before this one expires, and pass
    it to the Supabase client.
    """

    transport: Literal["supabase"]
    url: str
    key: Annotated[str, Field(description="The project's publishable key")]
    topic: str
    token: str
    expires_at: Timestamp
    presence: SupabasePresenceTopics = omittable()


class SocketSubscription(ResponseModel):
    """Open a WebSocket to `url`; if there is a token, append `&token=` and the token."""

    transport: Literal["websocket"]
    url: str
    token: str = omittable()
    expires_at: str = omittable()


class NoSubscription(ResponseModel):
    """Changes are not pushed: poll `url` with `If-None-Match`."""

    transport: Literal["polling"]
    url: str


Subscription = Annotated[
    SupabaseSubscription | SocketSubscription | NoSubscription, Field(discriminator="transport")
]


class Envelope(ResponseModel, Generic[T]):
    """The body of a successful response."""

    data: T


class Time(ResponseModel):
    """The store's clock, which all sessions use."""

    timestamp_ms: EpochMs
    server_version: str
    drift_tolerance_ms: Ms


class Health(ResponseModel):
    """The process is alive."""

    status: Literal["ok"]


class Checks(ResponseModel):
    """The state of each dependency."""

    redis: Annotated[
        Literal["up", "down"],
        Field(description="`down`: Redis refuses changes, and the status is `not_ready`"),
    ]
    audit: Annotated[
        Literal["up", "down", "off"],
        Field(
            description="`off`: no audit database is configured. `down`: it doesn't accept every"
            " entry or the trail doesn't advance, and the status is `degraded`"
        ),
    ]


class Reasons(ResponseModel):
    """The reason for each dependency that is `down`."""

    redis: str = omittable()
    audit: str = omittable()


class Readiness(ResponseModel):
    """Whether this instance can serve requests."""

    status: Literal["ready", "degraded", "not_ready", "stopping"]
    checks: Checks
    reasons: Reasons = omittable()


class ApiKey(ResponseModel):
    """An API key of a tenant; the key begins with `prefix`. `last_used_at` is right to a minute."""

    key_id: str
    name: str
    prefix: str
    role: ApiKeyRole
    subject: str
    created_at: Timestamp
    created_by: str
    last_used_at: str = omittable()
    expires_at: str = omittable()
    revoked_at: str = omittable()


class NewApiKey(ApiKey):
    """A new API key, with the key itself."""

    key: Annotated[str, Field(pattern=f"^{KEY.pattern}$")]


class ApiKeys(ResponseModel):
    """The API keys of a tenant."""

    api_keys: list[ApiKey]


class Webhook(ResponseModel):
    """A URL that receives events; `off_reason` says why it is off."""

    webhook_id: Uuid
    url: str
    events: list[str]
    created_at: Timestamp
    is_on: bool
    off_reason: str = omittable()


class NewWebhook(Webhook):
    """The webhook with its secret, which signs the deliveries."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class Webhooks(ResponseModel):
    """The webhooks of a tenant."""

    webhooks: list[Webhook]


class Delivery(ResponseModel):
    """One attempt to deliver a message.

    `message_id` is the header field `webhook-id`. `failed`: it is tried again at `next_at`. `dead`:
    it was given up. `dropped`: it was never sent, because too much waits for the webhook.
    """

    at: Timestamp
    message_id: str
    event: str
    attempt: Annotated[int, Field(ge=0)]
    outcome: AttemptOutcome
    duration_ms: Ms
    status: int = omittable()
    reason: str = omittable()
    next_at: str = omittable()


class Deliveries(ResponseModel):
    """A page of attempts; `next` is the `after` of the next page, null if there is none."""

    deliveries: list[Delivery]
    next: str | None


class Error(ResponseModel):
    """An error; `details` is a list of field errors, or an object with more information."""

    code: str
    message: str
    request_id: str
    details: list[FieldError] | dict[str, Any] = omittable()
    retry_after_seconds: int = omittable()


class ErrorEnvelope(ResponseModel):
    """The body of every error response."""

    error: Error


SessionAnswer = Envelope[Session]
SwitchOrSessionAnswer = Envelope[SwitchResult] | Envelope[Session]
SessionOrParticipantAnswer = Envelope[Session] | Envelope[ParticipantResult]
SummaryAnswer = Envelope[Summary]
FairnessAnswer = Envelope[Fairness]
PresenceAnswer = Envelope[Presence]
SimulationAnswer = Envelope[Simulation]
SessionListAnswer = Envelope[SessionList]
BatchAnswer = Envelope[Batch]
BatchCommandsAnswer = Envelope[BatchCommands]
AuditTrailAnswer = Envelope[AuditTrail]
PresetsAnswer = Envelope[Presets]
ProgrammesAnswer = Envelope[Programmes]
NewWebhookAnswer = Envelope[NewWebhook]
WebhooksAnswer = Envelope[Webhooks]
DeliveryAnswer = Envelope[Delivery]
DeliveriesAnswer = Envelope[Deliveries]
NewApiKeyAnswer = Envelope[NewApiKey]
ApiKeysAnswer = Envelope[ApiKeys]
TokenAnswer = Envelope[Token]
JoinCodeAnswer = Envelope[JoinCode]
JoinAnswer = Envelope[Join]
SubscriptionAnswer = Envelope[Subscription]
