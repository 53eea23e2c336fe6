"""Interface of a mode's clock rules, with defaults. Clock values are those at the anchor."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from shared.domain.clock_adjustment import ClockScope as ClockScope
from shared.domain.errors import RuleViolation, Violation
from shared.domain.individual_clock import FULL_PERMILLE
from shared.domain.session import MAX_OVERRUN, BankOwner, Participant, Session, sources_in
from shared.domain.time_budget import Clock, Sources
from shared.domain.time_control import TimeControl
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.domain.values import Value, replace

T = TypeVar("T")


def rotate_after(order: Sequence[T], current: T | None) -> Sequence[T]:
    """Return `order` rotated so that it ends with `current`, or unchanged without one."""
    if current is None:
        return order
    start = order.index(current) + 1
    return (*order[start:], *order[:start])


class ClockOwner(Value, frozen=True):
    """The owner of a clock: a participant, a group or, if both are None, the session."""

    participant_id: str | None = None
    group_id: str | None = None

    @property
    def id(self) -> str:
        """The id of the participant or group; empty for the session."""
        return self.group_id or self.participant_id or ""


class ClockName(Value, frozen=True):
    """One clock that can be adjusted: of a participant, of a group, or one that all share."""

    participant_id: str | None = None
    group_id: str | None = None
    shared: ClockScope | None = None

    @property
    def owner(self) -> ClockOwner:
        """The owner of the clock."""
        return ClockOwner(self.participant_id, self.group_id)

    def __str__(self) -> str:
        if self.participant_id is not None:
            return f"participant {self.participant_id}"
        return f"the {self.shared} clock" if self.shared else f"group {self.group_id}"


class AdjustableClock(Value, frozen=True):
    """A clock, its value at the anchor and its time control.

    The value of a participant or group is its bank, without overtime. `factor_permille` is that of
    the participant, by which time may be scaled.
    """

    name: ClockName
    value_ms: Millis
    control: TimeControl | None = None
    factor_permille: int = FULL_PERMILLE


class DrawnClocks(Value, frozen=True):
    """The clocks of a session as clients draw them, from the session's instant on.

    Those of `participants` and `groups` are in the session's order, None without a clock; `groups`
    is empty in modes other than `per_group`. `current` is the clock that reaches zero next.
    """

    participants: Sequence[Clock | None]
    groups: Sequence[Clock | None]
    current: Clock | None
    session: Clock | None
    cycle: Clock | None
    elapsed: Clock


SESSION_CLOCK = ClockName(shared=ClockScope.SESSION)
CYCLE_CLOCK = ClockName(shared=ClockScope.CYCLE)


def countdown(session: Session, value: Millis | None) -> Clock | None:
    """Return a clock that shows `value` and runs down while the session runs.

    It stops at zero, or below zero in an overrun. None if `value` is None.
    """
    if value is None:
        return None
    floor_ms = lowest_value(session)
    is_running = value > floor_ms and session.cycle_started_at is not None
    return Clock(value, -1 if is_running else 0, floor_ms=floor_ms)


def elapsed_clock(session: Session, running_ms: Millis | None) -> Clock:
    """Return the time that the session has run; it stops when the running clock stops.

    That clock can still run for `running_ms`: 0 if it doesn't run, None without limit.
    """
    if running_ms == 0:
        return Clock(session.used_ms, 0)
    ceiling = None if running_ms is None else Millis(session.used_ms + running_ms)
    return Clock(session.used_ms, 1, ceiling_ms=ceiling)


def lowest_value(session: Session) -> int:
    """Return the value at which a clock of the session stops, ms: 0, or below it in overruns."""
    return -MAX_OVERRUN if session.overtime and session.counts_overrun else 0


class ClockRules(ABC):
    """The rules of one mode: which clock runs, what a cycle is, which participant is next."""

    @abstractmethod
    def value(self, session: Session) -> Millis | None:
        """Return what the running clock shows, ms: below zero in an overrun.

        None if no clock counts down.
        """

    def advance(self, session: Session, now: Instant) -> Session:
        """Return the session with its clocks as they are at `now`, at the same anchor."""
        anchor = session.cycle_started_at
        if anchor is None or now <= anchor:
            return session
        return self.spend(session, elapsed_between(anchor, now))

    def deadline(self, session: Session) -> Instant | None:
        """Return the instant at which a clock reaches zero next; None if none counts down."""
        anchor = session.cycle_started_at
        if anchor is None or session.awaits_first_turn:
            return None
        value = self.value(session)
        return None if value is None or value <= 0 else after(anchor, value)

    def next_due(self, session: Session) -> Instant | None:
        """Return the instant of the next change that time alone makes, without grace for lag."""
        return self.deadline(session)

    @abstractmethod
    def value_of(self, session: Session, participant: Participant) -> Millis | None:
        """Return what the clock that governs `participant` shows, running or not, ms."""

    def values_of(self, session: Session) -> list[Millis | None]:
        """Return `value_of` for each participant, in their order, in linear time."""
        return [self.value_of(session, participant) for participant in session.participants]

    def left(self, session: Session) -> Millis | None:
        """Return the time left on the running clock, ms; None if no clock counts down."""
        return at_least_zero(self.value(session))

    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        """Return the time left on the clock that governs `participant`, running or not, ms."""
        return at_least_zero(self.value_of(session, participant))

    def over_ms(self, session: Session) -> Millis:
        """Return by how much the running clock is below zero, ms."""
        return over_ms(self.value(session))

    def running_ms(self, session: Session) -> Millis | None:
        """Return how long the running clock can still run from the anchor, ms; None: no limit."""
        value = self.value(session)
        return None if value is None else Millis(max(0, value - lowest_value(session)))

    def draw(self, session: Session, spent: Millis) -> Session:
        """Subtract `spent` from the running clocks other than the active participant's own."""
        return session

    @abstractmethod
    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """Set the clock that governs `participant` to `value`, as of the anchor."""

    def with_periods(self, session: Session, participant: Participant, periods: int) -> Session:
        """Set the number of overtime periods left, where there are any."""
        return session

    @abstractmethod
    def adjustable(self, session: Session, scope: ClockScope) -> list[ClockName]:
        """Return the clocks that `scope` means; [] if the session has none."""

    def adjustable_of(self, session: Session, participant: Participant) -> ClockName | None:
        """Return the clock of `participant` or of its group; None if all share the clock."""
        return None

    @abstractmethod
    def adjustable_clocks(self, session: Session) -> Iterator[AdjustableClock]:
        """Yield all clocks that can be adjusted."""

    @abstractmethod
    def with_values(self, session: Session, values: Mapping[ClockName, Millis]) -> Session:
        """Return the session with these clocks set to these values as of the anchor, ms."""

    def forfeit(self, session: Session, participant: Participant) -> Session:
        """Return the session with no time left for the participant, or for its group.

        Raises `RuleViolation` in a mode without banks.
        """
        message = "has no bank: forfeits are for per_participant and per_group"
        raise RuleViolation(Violation("participant_id", message, "not_allowed"))

    def open(self, session: Session) -> Session:
        """Return a new session with its clocks set for the first cycle."""
        return session

    def begin_cycle(self, session: Session) -> Session:
        """Return the session with its clocks set for a new cycle of the active participant."""
        return session

    def with_gain_of_start(self, session: Session) -> Session:
        """Return the pending session with the time that its start adds to clocks, if any."""
        return session

    def start(self, session: Session) -> Session:
        """Return the pending session with its clocks set for the start of the first cycle."""
        return session

    def end(self, session: Session) -> Session:
        """Return the session, which a command ends, with its clocks stopped."""
        return session

    def end_cycle(self, session: Session) -> Session:
        """Count the cycle, and give the owner of the running clock what the end of its turn gives,
        if anything."""
        active = session.active
        if active is None:
            return session
        return session.with_participant(replace(active, cycle_count=active.cycle_count + 1))

    def is_session_over(self, session: Session) -> bool:
        """Whether no clock can run any more, which ends the session whatever its action."""
        return False

    def max_unattended_ms(self, session: Session) -> Millis:
        """Return how long the clocks run without a command, ms from the anchor.

        If cycles follow each other without end, this is the rest of the current cycle, because the
        change that begins the next cycle sets a new anchor.
        """
        return self.left(session) or Millis(0)

    def automatic_cycle_lengths(self, session: Session) -> list[Millis]:
        """Return the lengths of the cycles that can begin without a command, ms; [] if none can."""
        return []

    def side(self, participant: Participant) -> ClockOwner:
        """Return the clock owner for `participant`: itself or its group."""
        return ClockOwner(participant_id=participant.participant_id)

    def owner(self, session: Session) -> ClockOwner:
        """Return the owner of the running clock."""
        active = session.active
        return self.side(active) if active else ClockOwner()

    def running(self, session: Session) -> list[tuple[ClockOwner, Millis]]:
        """Return each clock that runs, with its owner and what it shows, ms."""
        value = self.value(session)
        if value is None or value <= lowest_value(session):
            return []
        return [(self.owner(session), value)]

    def period_ends(self, session: Session) -> Sequence[tuple[ClockOwner, Millis, int]]:
        """Return each end of an overtime period: its owner, ms from the anchor, periods left."""
        return ()

    def control_of(self, session: Session, participant: Participant) -> TimeControl | None:
        """Return the time control of the participant's clock; None without one."""
        return None

    def bank_owner_of(self, session: Session, participant: Participant | None) -> BankOwner | None:
        """Return the owner of the bank that governs the participant; None if there is none."""
        return None

    def sources_of(self, session: Session, participant: Participant | None) -> Sources | None:
        """Return the bank and reserve of the participant's clock; None if it has no bank."""
        owner = self.bank_owner_of(session, participant)
        return sources_in(owner) if owner else None

    def with_sources(
        self, session: Session, participant: Participant | None, sources: Sources
    ) -> Session:
        """Return the session with those sources for the participant's clock, if it has a bank."""
        return session

    def runs_for(self, session: Session, participant: Participant) -> bool:
        """Whether the clock that governs `participant` is the one that runs."""
        return participant.participant_id == session.active_participant_id

    def drawn(self, session: Session, only: Collection[int] | None = None) -> DrawnClocks:
        """Return the session's clocks.

        With `only`, in `individual`, only those of the participants of these `participant_index`.
        """
        running_ms, floor_ms = self.running_ms(session), lowest_value(session)
        is_running = running_ms != 0 and session.cycle_started_at is not None
        of_participants = [
            None
            if value is None
            else Clock(
                value,
                -1 if is_running and value > floor_ms and self.runs_for(session, one) else 0,
                floor_ms=floor_ms,
            )
            for one, value in zip(session.participants, self.values_of(session), strict=True)
        ]
        return DrawnClocks(
            of_participants,
            (),
            countdown(session, self.value(session)),
            countdown(session, session.session_left_ms),
            countdown(session, session.cycle_left_ms),
            elapsed_clock(session, running_ms if is_running else Millis(0)),
        )

    def ids_with_time_left(self, session: Session) -> list[str]:
        """Return the ids of the participants, or groups, with time left."""
        return [
            participant.participant_id
            for participant in session.participants
            if not participant.is_retired and self.time_left_of(session, participant)
        ]

    def is_eligible(self, session: Session, participant: Participant) -> bool:
        """Whether automatic rotation may choose `participant`."""
        return not participant.is_retired

    def next_in_turn(self, session: Session) -> str | None:
        """Return the id of the next participant in the order of `participant_index`."""
        for participant in rotate_after(session.participants, session.active):
            if self.is_eligible(session, participant):
                return participant.participant_id
        return session.active_participant_id

    def join(self, session: Session, newcomer: Participant) -> Session:
        """Add `newcomer` in the order of `participant_index`."""
        participants = sorted((*session.participants, newcomer), key=lambda p: p.participant_index)
        active = session.active_participant_id or newcomer.participant_id
        return replace(session, participants=tuple(participants), active_participant_id=active)

    def with_starter(self, session: Session, participant_id: str | None) -> Session:
        """Return the pending session with another participant to start."""
        return replace(session, active_participant_id=participant_id)

    def leave(self, session: Session, leaver: Participant) -> Session:
        """Remove `leaver`, who is not the active participant."""
        kept = [p for p in session.participants if p.participant_id != leaver.participant_id]
        return replace(session, participants=tuple(kept))

    def consume_own(self, session: Session, active: Participant, spent: Millis) -> Participant:
        """Return the active participant after it used `spent` ms."""
        return replace(active, used_ms=Millis(active.used_ms + spent))

    def spend(self, session: Session, elapsed: Millis) -> Session:
        """Return the session after its running clock ran for `elapsed` ms, at most to its end.

        The rest of `elapsed` is added to `cycle_idle_ms`.
        """
        if session.awaits_first_turn:
            return _without_start_time(session, elapsed)
        running_ms = self.running_ms(session)
        spent = elapsed if running_ms is None else min(elapsed, running_ms)
        if spent < elapsed:
            idle_ms = Millis(session.cycle_idle_ms + elapsed - spent)
            session = replace(session, cycle_idle_ms=idle_ms)
        if spent == 0:
            return session
        participants = session.participants
        if active := session.active:
            participants = session.participants_replacing(self.consume_own(session, active, spent))
        session = replace(
            session,
            participants=participants,
            used_ms=Millis(session.used_ms + spent),
            cycle_used_ms=Millis(session.cycle_used_ms + spent),
        )
        return self.draw(session, spent)


def over_ms(value: Millis | None) -> Millis:
    """Return by how much a clock that shows `value` is below zero, ms."""
    return Millis(max(0, -value)) if value is not None else Millis(0)


def at_least_zero(value: Millis | None) -> Millis | None:
    """Return the time left on a clock that shows `value`, ms; None without a clock."""
    return value if value is None or value >= 0 else Millis(0)


def _without_start_time(session: Session, elapsed: Millis) -> Session:
    """Return the session after it waited `elapsed` ms for its first turn."""
    left = session.start_left_ms
    if left is None:
        return session
    return replace(session, start_left_ms=Millis(max(0, left - elapsed)))
