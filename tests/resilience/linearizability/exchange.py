"""What is asked of a session and what is answered, without everything that only time decides."""

from dataclasses import dataclass, replace
from enum import StrEnum

TIME_DECIDES = -1
"""In the place of a bank that has run: what it reads depends on when it was asked."""


class Verb(StrEnum):
    """The endpoints of one session."""

    CREATE = "create"
    START = "start"
    SWITCH = "switch"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    CANCEL = "cancel"
    DELETE = "delete"
    ADD = "add"
    ADJUST = "adjust"
    READ = "read"
    SUMMARY = "summary"

    @property
    def changes(self) -> bool:
        """Whether it may change the session."""
        return self not in (Verb.READ, Verb.SUMMARY)


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant; `bank_ms` is its `total_time_ms`, None where it has none."""

    participant_id: str
    bank_ms: int | None = None
    group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A session to be created, with clocks so long that no deadline comes."""

    sync_mode: str
    seats: tuple[Seat, ...]
    total_time_ms: int | None = None
    time_per_cycle_ms: int | None = None
    max_time_ms: int | None = None
    increment_ms: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `participant_id` is who follows in a switch, and whose clock is adjusted."""

    verb: Verb
    opening: Opening | None = None
    newcomer: Seat | None = None
    participant_id: str | None = None
    current_participant_id: str | None = None
    total_time_ms: int | None = None
    if_match: int | None = None
    key: str | None = None

    @property
    def fingerprint(self) -> "Asked":
        """What two requests with one idempotency key must have in common."""
        return replace(self, if_match=None, key=None)


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer tells of the session; a summary tells of no cycle and no seats."""

    status: str
    version: int
    active: str | None
    cycle: int | None = None
    seats: tuple[Seat, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; `detail` is what an error names: a version or a participant."""

    status: int
    shown: Shown | None = None
    code: str | None = None
    detail: int | str | None = None
    replayed: bool = False

    def allows(self, seen: "Answer") -> bool:
        """Whether `seen` is this answer, in all that time doesn't decide."""
        return self == replace(seen, shown=_as_far_as_known(seen.shown, self.shown))


def _as_far_as_known(seen: Shown | None, known: Shown | None) -> Shown | None:
    if not (seen and known and seen.seats and known.seats):
        return seen
    if len(seen.seats) != len(known.seats):
        return seen
    pairs = zip(seen.seats, known.seats, strict=True)
    return replace(seen, seats=tuple(_forget_bank(s, like=k) for s, k in pairs))


def _forget_bank(seat: Seat, *, like: Seat) -> Seat:
    is_known = like.bank_ms != TIME_DECIDES or seat.bank_ms is None
    return seat if is_known else replace(seat, bank_ms=TIME_DECIDES)
