"""Types of the API's JSON. `*_ms` are ms; `*_at` are ISO 8601 in UTC, or None."""

from datetime import UTC, datetime
from typing import Any, Literal, NotRequired, TypedDict

from synckairos.error_types import ErrorFields

TransportName = Literal["supabase", "websocket", "sse", "polling"]
"""How states arrive."""


class Phase(TypedDict):
    """A further period of `ms`, `count` times in a row."""

    ms: int
    count: int


class WireClock(TypedDict):
    """A clock as a straight line, as of the state's `server_time_ms`.

    It shows `left_ms` then, and after `hold_ms` it changes by `rate` (-1, 0 or 1) ms per ms. It is
    never below `floor_ms` (0 if left out) and never above `ceiling_ms`. A value that comes down to
    zero goes on in the next of the `phases`. From `stop_ms` on the clock stands still.
    """

    left_ms: int
    rate: Literal[-1, 0, 1]
    hold_ms: NotRequired[int]
    floor_ms: NotRequired[int]
    ceiling_ms: NotRequired[int]
    phases: NotRequired[list[Phase]]
    stop_ms: NotRequired[int]


class Overtime(TypedDict):
    """The overtime of a time control.

    `periods_left` includes the current period, and `turns_left` the current turn of the block.
    """

    in_use: bool
    periods_left: NotRequired[int]
    turns_left: NotRequired[int]


class OvertimeRule(TypedDict, total=False):
    """Byo-yomi (`periods`), a Canadian block (`turns`), or one more bank (`extra_ms`)."""

    period_ms: int
    periods: int
    turns: int
    extra_ms: int


class Stage(TypedDict):
    """Begins when its owner has completed `after_turns` turns."""

    after_turns: int
    add_ms: NotRequired[int]
    increment_ms: NotRequired[int]


class TimeControl(TypedDict, total=False):
    """The time that a turn may use, and what its end gives back (docs/time-controls.md)."""

    delay_ms: int
    give_back_ms: int
    increment_ms: int
    first_turn: bool
    max_bank_ms: int
    overtime: OvertimeRule
    stages: list[Stage]
    hourglass: bool
    start_on: Literal["start", "first_turn"]
    first_turn_within_ms: int


class NamedTimeControl(TypedDict):
    """A time control that a session can ask for by its `name`.

    `total_time_ms` is the time with which each participant or group begins.
    """

    name: str
    title: str
    game: str
    total_time_ms: int
    time_control: TimeControl


class SoftClose(TypedDict):
    """A switch with at most `window_ms` left sets the clock to `to_ms`, or adds `by_ms` to it.

    At most `at_most` times, and never past `not_after`.
    """

    window_ms: int
    to_ms: NotRequired[int]
    by_ms: NotRequired[int]
    at_most: NotRequired[int]
    not_after: NotRequired[str]


class Extensions(TypedDict):
    """How often switches have extended the clock, and how often they still can."""

    used: int
    left: NotRequired[int]


class Scheduled(TypedDict):
    """A command that takes effect at `effective_at`; with `adjust`, also its fields."""

    operation: Literal["start", "pause", "resume", "complete", "adjust"]
    effective_at: str
    add_ms: NotRequired[int]
    set_ms: NotRequired[int]
    to: NotRequired[str | dict[str, list[str]]]
    reason: NotRequired[str]
    scaled: NotRequired[bool]


class Participant(TypedDict):
    """A participant; its times are as of the state's `server_time_ms`."""

    participant_id: str
    participant_index: int
    time_used_ms: int
    cycle_count: int
    is_active: bool
    has_expired: bool
    total_time_ms: NotRequired[int]
    time_remaining_ms: NotRequired[int]
    """Until the flag falls on the clock that applies, all overtime included."""
    clock: NotRequired[WireClock]
    """What the participant's clock shows; left out if there is none."""
    overtime: NotRequired[Overtime]
    time_control: NotRequired[TimeControl]
    group_id: NotRequired[str]
    name: NotRequired[str]
    is_retired: NotRequired[bool]
    state: NotRequired[Literal["not_begun", "running", "paused", "overdue", "finished", "closed"]]
    """What the participant does; only in `individual`, as all that follows."""
    begun_at: NotRequired[str]
    finished_at: NotRequired[str]
    late_ms: NotRequired[int]
    """How long after its deadline the participant finished."""
    deadline_at: NotRequired[str]
    extra_ms: NotRequired[int]
    factor_permille: NotRequired[int]
    closes_at: NotRequired[str]
    over_ms: NotRequired[int]
    """Where the session has `overtime`: by how much the clock is below zero."""


class Group(TypedDict):
    """Participants who share one time bank."""

    group_id: str
    total_time_ms: int
    time_used_ms: int
    time_remaining_ms: int
    clock: NotRequired[WireClock]
    overtime: NotRequired[Overtime]
    time_control: NotRequired[TimeControl]
    is_active: bool
    has_expired: bool
    name: NotRequired[str]
    over_ms: NotRequired[int]


class Item(TypedDict):
    """An item of a programme (docs/programmes.md). The last three times are those of all rounds.

    `used_ms` was taken until the item's clock reached zero, and `over_ms` after that.
    """

    item_id: str
    title: NotRequired[str]
    duration_ms: int
    kind: Literal["work", "break"]
    on_end: Literal["next", "wait"]
    planned_ms: int
    used_ms: int
    over_ms: int


class SessionState(TypedDict):
    """A session at one version."""

    session_id: str
    sync_mode: Literal[
        "per_participant", "per_cycle", "per_group", "global", "count_up", "individual"
    ]
    status: Literal["pending", "running", "paused", "expired", "completed", "cancelled"]
    version: int
    participants: list[Participant]
    groups: NotRequired[list[Group]]
    active_participant_id: str | None
    active_group_id: NotRequired[str]
    starts_with: NotRequired[str]
    """The participant who will be active first; only while the session is pending."""
    ended_with: NotRequired[str]
    """The participant who was active last; only after the end of a session that had started."""
    total_time_ms: NotRequired[int]
    time_per_cycle_ms: int | None
    cycle_number: int
    cycle_started_at: str | None
    session_started_at: str | None
    session_completed_at: str | None
    increment_ms: int
    time_control: NotRequired[TimeControl]
    first_turn_by: NotRequired[str]
    """Without a first turn the session is cancelled then."""
    max_time_ms: NotRequired[int]
    auto_advance: bool
    action_on_timeout: dict[str, Any]
    warn_at_ms: NotRequired[list[int]]
    metadata: NotRequired[dict[str, Any]]
    participants_may_pause: NotRequired[bool]
    participants_may_give_ms: NotRequired[int]
    lag: NotRequired[dict[str, int]]
    """Lag compensation; absent if it is off."""
    flag_grace_ms: NotRequired[int]
    """With `lag`: how long after `deadline_at` the flag is settled."""
    begins: NotRequired[Literal["together", "each"]]
    """Who begins when the session starts; only in `individual`, as the three that follow."""
    closes_at: NotRequired[str]
    grace_ms: NotRequired[int]
    rounds: NotRequired[bool]
    start_at: NotRequired[str]
    """When the session starts, or was to start, without a command."""
    warn_before_start_ms: NotRequired[list[int]]
    ends_at: NotRequired[str]
    """When the session ends at the latest."""
    moves_with_pause: NotRequired[bool]
    """Whether a pause moves `ends_at`."""
    extend_on_switch: NotRequired[SoftClose]
    extensions: NotRequired[Extensions]
    scheduled: NotRequired[Scheduled]
    """The command that was given ahead of time."""
    test: NotRequired[Literal[True]]
    """Whether this is a test session (docs/test-sessions.md); absent if it isn't."""
    advanced_ms: NotRequired[int]
    """By how much a test session's time is ahead of the server's."""
    advance_left_ms: NotRequired[int]
    """The rest of the last advance, which stopped because too many changes were due; ms."""
    created_at: str
    updated_at: str
    server_time_ms: int
    deadline_at: str | None
    time_remaining_ms: NotRequired[int]
    clock: NotRequired[WireClock]
    """The clock that reaches zero next; left out if none counts down."""
    session_clock: NotRequired[WireClock]
    cycle_clock: NotRequired[WireClock]
    elapsed_clock: WireClock
    """The time that the session has run, without pauses."""
    items: NotRequired[list[Item]]
    repeat: NotRequired[int]
    round: NotRequired[int]
    active_item_id: NotRequired[str]
    """The running item, while the session runs or is paused."""
    offset_ms: NotRequired[int]
    """By how much the programme is behind its plan; below 0 if it is ahead."""
    overtime: NotRequired[bool]
    """Whether clocks count time below zero."""
    over_ms: NotRequired[int]
    """With `overtime`: by how much the clock is below zero."""


class Difference(TypedDict):
    """What a change made of the state of version `since`.

    `state` is the new state, but its `participants` are only those that were added or changed.
    """

    since: int
    state: SessionState


class SwitchResult(TypedDict):
    """The response to a switch, which has no complete state."""

    session_id: str
    active_participant_id: str | None
    cycle_started_at: str | None
    participants: list[Participant]
    status: str
    version: int
    cycle_number: int
    active_item_id: NotRequired[str]
    expired_participant_id: NotRequired[str]
    expired_group_id: NotRequired[str]
    action_applied: NotRequired[dict[str, Any]]
    extended_by_ms: NotRequired[int]
    """By how much the switch extended the clock (`extend_on_switch`)."""


class ListedSession(TypedDict):
    """A session in a list, as of its last change. `owner` is the host that created it, if any."""

    session_id: str
    status: str
    sync_mode: str
    version: int
    participant_count: int
    metadata: dict[str, Any] | None
    owner: str | None
    created_at: str
    updated_at: str


class ListPage(TypedDict):
    """A page of a list, newest first; `next` is the `after` of the next page, None at the end."""

    sessions: list[ListedSession]
    next: str | None


class BatchEntry(TypedDict):
    """What became of one session of a batch: when the command takes effect there, or the `error`.

    `late_ms` is by how much that is later than asked.
    """

    session_id: str
    status: NotRequired[str]
    version: NotRequired[int]
    effective_at: NotRequired[str]
    late_ms: NotRequired[int]
    scheduled: NotRequired[Scheduled]
    error: NotRequired[ErrorFields]


class SupabasePresenceTopics(TypedDict):
    """The channels of the presence at Supabase: the caller's own, and by role those that it may
    read, if it asked for that."""

    topic: str
    participant_id: NotRequired[str]
    topics: NotRequired[dict[str, str]]


class Subscription(TypedDict):
    """How to follow a session: the answer of `GET .../realtime`."""

    transport: TransportName
    url: str
    key: NotRequired[str]
    topic: NotRequired[str]
    token: NotRequired[str]
    expires_at: NotRequired[str]
    presence: NotRequired[SupabasePresenceTopics]


Message = dict[str, Any]
"""A pushed message; its `type` says which fields it has."""


def timestamp_ms(timestamp: str) -> int:
    """Convert a timestamp of the API to ms since the epoch."""
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)


def timestamp_of(instant: float) -> str:
    """Return an instant in ms since the epoch as a timestamp of the API."""
    text = datetime.fromtimestamp(round(instant) / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
