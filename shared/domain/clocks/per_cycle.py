"""`per_cycle`: every cycle begins with its full length (poker, debates)."""

from shared.domain.clocks.base import ClockRules
from shared.domain.session import Participant, Session
from shared.domain.units import Millis
from shared.domain.values import replace


class PerCycle(ClockRules):
    """The cycle's clock runs. Its expiry ends only the cycle; no participant is out of time."""

    def left(self, session: Session) -> Millis | None:
        return session.cycle_left_ms

    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        if participant.participant_id == session.active_participant_id:
            return session.cycle_left_ms
        return _length(session, participant)

    def draw(self, session: Session, spent: Millis) -> Session:
        return replace(session, cycle_left_ms=Millis((session.cycle_left_ms or 0) - spent))

    def open(self, session: Session) -> Session:
        return self.begin_cycle(session, session.active_participant_id)

    def begin_cycle(self, session: Session, participant_id: str | None) -> Session:
        session = replace(session, active_participant_id=participant_id)
        active = session.active
        if active is None:
            return session
        session = replace(session, cycle_left_ms=_length(session, active))
        if active.next_cycle_ms is None:
            return session
        return session.with_participant(replace(active, next_cycle_ms=None))

    def automatic_cycle_lengths(self, session: Session) -> list[Millis]:
        lengths = (_length(session, p) for p in session.participants)
        return [length for length in lengths if length]

    def adjust(
        self,
        session: Session,
        participant: Participant,
        value: Millis,
        periods: int | None = None,
    ) -> Session:
        adjusted = replace(participant, bank_ms=value)
        if participant.participant_id == session.active_participant_id:
            return replace(session.with_participant(adjusted), cycle_left_ms=value)
        return session.with_participant(replace(adjusted, next_cycle_ms=value))


def _length(session: Session, participant: Participant) -> Millis | None:
    return participant.next_cycle_ms or session.time_per_cycle_ms or participant.bank_ms
