"""What every mode must know about its clocks. Values are read and written at the anchor."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from shared.domain.frozen import dataclass, replace
from shared.domain.session import Participant, Session
from shared.domain.units import Millis

T = TypeVar("T")


def following(ring: Sequence[T], current: T | None) -> Sequence[T]:
    """`ring` from the one after `current` round to `current` itself."""
    if current is None:
        return ring
    turn = ring.index(current) + 1
    return (*ring[turn:], *ring[:turn])


@dataclass(frozen=True, slots=True)
class Side:
    """Who owns a clock: a participant, a group, or (both None) the session."""

    participant_id: str | None = None
    group_id: str | None = None


class Clocks(ABC):
    """The rules of one mode: which clock runs, what a cycle is, whose turn is next."""

    @abstractmethod
    def left(self, session: Session) -> Millis | None:
        """What the running clock shows, ms; None when nothing runs toward zero."""

    @abstractmethod
    def left_of(self, session: Session, participant: Participant) -> Millis | None:
        """What the clock that governs `participant` shows, running or not, ms."""

    def left_of_all(self, session: Session) -> list[Millis | None]:
        """`left_of` each participant, in their order, in time that grows with their number."""
        return [self.left_of(session, participant) for participant in session.participants]

    def draw(self, session: Session, spent: Millis) -> Session:
        """Take `spent` off the clock that runs, where that isn't the active participant's own."""
        return session

    @abstractmethod
    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """Set the clock that governs `participant` to `value`, from the anchor on."""

    def open(self, session: Session) -> Session:
        """The clocks as they stand before the first cycle."""
        return session

    def begin_cycle(self, session: Session, participant_id: str | None) -> Session:
        """A fresh cycle for `participant_id`."""
        return replace(session, active_participant_id=participant_id)

    def end_cycle(self, session: Session) -> Session:
        """Settle what the one who switches away is owed; its clock has not expired."""
        return session

    def is_exhausted(self, session: Session) -> bool:
        """Whether no clock is left that could run: the session is over, whatever the action."""
        return False

    def runs_on_for(self, session: Session) -> Millis:
        """How long the clocks run on without a command, ms, counted from the anchor.

        Where cycles follow each other without end it is the rest of the present one: the change
        that begins the next one counts anew.
        """
        return self.left(session) or Millis(0)

    def cycle_lengths(self, session: Session) -> list[Millis]:
        """Lengths of the cycles that follow each other without a command, ms; [] if none do."""
        return []

    def side(self, participant: Participant) -> Side:
        """On whose account `participant` plays."""
        return Side(participant_id=participant.participant_id)

    def owner(self, session: Session) -> Side:
        """Whose clock runs; nobody's when it is the session's own."""
        active = session.active
        return self.side(active) if active else Side()

    def running(self, session: Session) -> list[tuple[Side, Millis]]:
        """Every clock that runs toward zero, with its owner and what it shows, ms."""
        left = self.left(session)
        return [(self.owner(session), left)] if left else []

    def survivors(self, session: Session) -> list[str]:
        """Ids of those (participants or groups) with time left."""
        return [p.participant_id for p in session.participants if self.left_of(session, p)]

    def can_play(self, session: Session, participant: Participant) -> bool:
        """Whether automatic rotation stops at `participant`."""
        return True

    def next_in_turn(self, session: Session) -> str | None:
        """Who follows the active participant in the order of `participant_index`."""
        for participant in following(session.participants, session.active):
            if self.can_play(session, participant):
                return participant.participant_id
        return session.active_participant_id

    def join(self, session: Session, newcomer: Participant) -> Session:
        """Let `newcomer` take its place in the order."""
        participants = sorted((*session.participants, newcomer), key=lambda p: p.participant_index)
        active = session.active_participant_id or newcomer.participant_id
        return replace(session, participants=tuple(participants), active_participant_id=active)

    def played(self, active: Participant, spent: Millis) -> Participant:
        """The active participant after `spent` ms more of its cycle."""
        return replace(active, used_ms=Millis(active.used_ms + spent))

    def spend(self, session: Session, elapsed: Millis) -> Session:
        """The session after its running clock ran for `elapsed` ms, at most down to zero."""
        left = self.left(session)
        spent = elapsed if left is None else min(elapsed, left)
        if spent == 0:
            return session
        participants = session.participants
        if active := session.active:
            participants = session.participants_with(self.played(active, spent))
        session = replace(
            session,
            participants=participants,
            used_ms=Millis(session.used_ms + spent),
            cycle_used_ms=Millis(session.cycle_used_ms + spent),
        )
        return self.draw(session, spent)
