"""Interface of a mode's clock rules, with defaults. Clock values are those at the anchor."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from shared.domain.session import Participant, Session
from shared.domain.units import Millis
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


class ClockRules(ABC):
    """The rules of one mode: which clock runs, what a cycle is, which participant is next."""

    @abstractmethod
    def left(self, session: Session) -> Millis | None:
        """Return the time left on the running clock, ms; None if no clock counts down."""

    @abstractmethod
    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        """Return the time left on the clock that governs `participant`, running or not, ms."""

    def times_left(self, session: Session) -> list[Millis | None]:
        """Return `time_left_of` for each participant, in their order, in linear time."""
        return [self.time_left_of(session, participant) for participant in session.participants]

    def draw(self, session: Session, spent: Millis) -> Session:
        """Subtract `spent` from the running clocks other than the active participant's own."""
        return session

    @abstractmethod
    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """Set the clock that governs `participant` to `value`, as of the anchor."""

    def open(self, session: Session) -> Session:
        """Return a new session with its clocks set for the first cycle."""
        return session

    def begin_cycle(self, session: Session, participant_id: str | None) -> Session:
        """Return the session with a new cycle for `participant_id`."""
        return replace(session, active_participant_id=participant_id)

    def end_cycle(self, session: Session) -> Session:
        """Add the increment, if the mode has one. Not called if the running clock is at zero."""
        return session

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
        """Return each clock that counts down, with its owner and the time left on it, ms."""
        left = self.left(session)
        return [(self.owner(session), left)] if left else []

    def ids_with_time_left(self, session: Session) -> list[str]:
        """Return the ids of the participants, or groups, with time left."""
        return [p.participant_id for p in session.participants if self.time_left_of(session, p)]

    def is_eligible(self, session: Session, participant: Participant) -> bool:
        """Whether automatic rotation may choose `participant`."""
        return True

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

    def consume_own(self, active: Participant, spent: Millis) -> Participant:
        """Return the active participant after it used `spent` ms."""
        return replace(active, used_ms=Millis(active.used_ms + spent))

    def spend(self, session: Session, elapsed: Millis) -> Session:
        """Return the session after its running clock ran for `elapsed` ms, at most to zero."""
        left = self.left(session)
        spent = elapsed if left is None else min(elapsed, left)
        if spent == 0:
            return session
        participants = session.participants
        if active := session.active:
            participants = session.participants_replacing(self.consume_own(active, spent))
        session = replace(
            session,
            participants=participants,
            used_ms=Millis(session.used_ms + spent),
            cycle_used_ms=Millis(session.cycle_used_ms + spent),
        )
        return self.draw(session, spent)


class BankRules(ClockRules):
    """The rules of a mode with banks, of which each runs out once; then the session is over."""

    @abstractmethod
    def banks(self, session: Session) -> list[Millis]:
        """Return the banks with time left."""

    def max_unattended_ms(self, session: Session) -> Millis:
        if not session.auto_advances or not self.left(session):
            return super().max_unattended_ms(session)
        return Millis(sum(self.banks(session)))

    def automatic_cycle_lengths(self, session: Session) -> list[Millis]:
        return self.banks(session)

    def is_session_over(self, session: Session) -> bool:
        return not self.banks(session)
