"""Requests to a session and its answers, without values that depend on the time of the request."""

from dataclasses import dataclass, replace
from enum import StrEnum

TIME_DEPENDENT = -1
"""Stands for the bank of a clock that has run: its value depends on the time of the request."""


class Verb(StrEnum):
    """The endpoints of one session."""

    CREATE = "create"
    START = "start"
    SWITCH = "switch"
    GO = "go"
    """`POST .../go` to an item of a programme."""
    PAUSE = "pause"
    PAUSE_AHEAD = "pause ahead"
    """`POST .../pause` with `effective_at`, an instant that doesn't come during the test."""
    UNSCHEDULE = "unschedule"
    RESUME = "resume"
    ADVANCE = "advance"
    """`POST .../advance` by 1 ms, so that no deadline comes."""
    COMPLETE = "complete"
    CANCEL = "cancel"
    DELETE = "delete"
    ADD = "add"
    ADJUST = "adjust"
    GIVE = "give"
    """`POST .../adjust` with `add_ms` for everybody."""
    UNDO = "undo"
    """`POST .../undo` to the start of the turn."""
    RUN_BEGIN = "begin"
    """`POST .../participants/{pid}/begin`; the other five likewise."""
    RUN_FINISH = "finish"
    RUN_REOPEN = "reopen"
    RUN_PAUSE = "pause one"
    RUN_RESUME = "resume one"
    FORFEIT = "forfeit"
    READ = "read"
    SUMMARY = "summary"

    @property
    def changes(self) -> bool:
        """Whether it may change the session."""
        return self not in (Verb.READ, Verb.SUMMARY)


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant; `bank_ms` is its `total_time_ms`, None if it has none."""

    participant_id: str
    bank_ms: int | None = None
    group_id: str | None = None
    time_control: str | None = None
    """Its own time control, as JSON with sorted keys."""
    run: str | None = None
    """Its `state` in `individual`."""
    has_begun: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """A session to be created; its clocks outlast the test, so that no deadline comes.

    Neither does `start_at` or `ends_at` (ISO 8601).
    """

    sync_mode: str
    seats: tuple[Seat, ...]
    total_time_ms: int | None = None
    time_per_cycle_ms: int | None = None
    max_time_ms: int | None = None
    increment_ms: int = 0
    time_control: str | None = None
    """The session's, as JSON with sorted keys; it replaces the increment."""
    items: tuple[str, ...] = ()
    """The ids of a programme's items, which take `item_ms` each."""
    item_ms: int | None = None
    repeat: int | None = None
    overtime: bool | None = None
    start_at: str | None = None
    ends_at: str | None = None
    begins: str | None = None
    rounds: bool | None = None
    test: bool | None = None

    @property
    def has_time_control(self) -> bool:
        """Whether any clock has more rules than an increment."""
        return bool(self.time_control) or any(seat.time_control for seat in self.seats)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `participant_id` is a switch's next participant, or the one that it concerns."""

    verb: Verb
    opening: Opening | None = None
    newcomer: Seat | None = None
    participant_id: str | None = None
    current_participant_id: str | None = None
    total_time_ms: int | None = None
    add_ms: int | None = None
    item_id: str | None = None
    effective_at: str | None = None
    if_match: int | None = None
    key: str | None = None

    @property
    def fingerprint(self) -> "Asked":
        """The part that must be equal in requests with the same idempotency key."""
        return replace(self, if_match=None, key=None)


@dataclass(frozen=True, slots=True)
class SessionView:
    """The session in an answer; a summary has no cycle and no seats."""

    status: str
    version: int
    active: str | None
    cycle: int | None = None
    seats: tuple[Seat, ...] | None = None
    item: str | None = None
    is_scheduled: bool = False
    """Whether a command was given ahead of time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; `detail` is the version or participant that an error names."""

    status: int
    session: SessionView | None = None
    code: str | None = None
    detail: int | str | None = None
    replayed: bool = False

    def allows(self, seen: "Answer") -> bool:
        """Return whether `seen` equals this answer, apart from time-dependent banks."""
        return self == replace(
            seen, session=_without_time_dependent_banks(seen.session, self.session)
        )


def _without_time_dependent_banks(
    seen: SessionView | None, known: SessionView | None
) -> SessionView | None:
    if not (seen and known and seen.seats and known.seats):
        return seen
    if len(seen.seats) != len(known.seats):
        return seen
    pairs = zip(seen.seats, known.seats, strict=True)
    return replace(seen, seats=tuple(_without_time_dependent_bank(s, like=k) for s, k in pairs))


def _without_time_dependent_bank(seat: Seat, *, like: Seat) -> Seat:
    is_known = like.bank_ms != TIME_DEPENDENT or seat.bank_ms is None
    return seat if is_known else replace(seat, bank_ms=TIME_DEPENDENT)
