"""`per_cycle`: every cycle begins with its full length (poker, debates)."""

from collections.abc import Iterator, Mapping

from shared.domain.clocks.base import AdjustableClock, ClockName, ClockRules, ClockScope
from shared.domain.session import Participant, Session
from shared.domain.units import Millis
from shared.domain.values import replace


class PerCycle(ClockRules):
    """The cycle's clock runs. Its expiry ends only the cycle; no participant is out of time."""

    def value(self, session: Session) -> Millis | None:
        return session.cycle_left_ms

    def value_of(self, session: Session, participant: Participant) -> Millis | None:
        if participant.participant_id == session.active_participant_id:
            return session.cycle_left_ms
        return _length(session, participant)

    def draw(self, session: Session, spent: Millis) -> Session:
        return replace(session, cycle_left_ms=Millis((session.cycle_left_ms or 0) - spent))

    def open(self, session: Session) -> Session:
        return self.begin_cycle(session)

    def begin_cycle(self, session: Session) -> Session:
        active = session.active
        if active is None:
            return session
        session = replace(session, cycle_left_ms=_length(session, active))
        if active.next_cycle_ms is None:
            return session
        return session.with_participant(replace(active, next_cycle_ms=None))

    def with_starter(self, session: Session, participant_id: str | None) -> Session:
        """See `ClockRules`. The one who was to start keeps an adjusted cycle for its first turn."""
        before = session.active
        if before is not None and session.cycle_left_ms != _length(session, before):
            kept = replace(before, next_cycle_ms=session.cycle_left_ms)
            session = session.with_participant(kept)
        return self.begin_cycle(super().with_starter(session, participant_id))

    def automatic_cycle_lengths(self, session: Session) -> list[Millis]:
        """See `ClockRules`. A longer next cycle doesn't count, because the later ones are usual."""
        return [
            min(length, p.next_cycle_ms or length)
            for p in session.participants
            if not p.is_retired and (length := _usual_length(session, p))
        ]

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        adjusted = replace(participant, bank_ms=value)
        if participant.participant_id == session.active_participant_id:
            return replace(session.with_participant(adjusted), cycle_left_ms=value)
        return session.with_participant(replace(adjusted, next_cycle_ms=value))

    def adjustable(self, session: Session, scope: ClockScope) -> list[ClockName]:
        if scope is ClockScope.ALL:
            return [_name_of(participant) for participant in session.participants]
        active = session.active if scope is ClockScope.CYCLE else None
        return [_name_of(active)] if active else []

    def adjustable_of(self, session: Session, participant: Participant) -> ClockName | None:
        return _name_of(participant)

    def adjustable_clocks(self, session: Session) -> Iterator[AdjustableClock]:
        for participant in session.participants:
            value = self.value_of(session, participant)
            yield AdjustableClock(_name_of(participant), value or Millis(0))

    def with_values(self, session: Session, values: Mapping[ClockName, Millis]) -> Session:
        """Set the running cycle of the active participant, and the next cycle of each other."""
        participants = []
        for participant in session.participants:
            value = values.get(_name_of(participant))
            if value is None:
                participants.append(participant)
            elif participant.participant_id == session.active_participant_id:
                participants.append(participant)
                session = replace(session, cycle_left_ms=value)
            else:
                participants.append(replace(participant, next_cycle_ms=value))
        return replace(session, participants=tuple(participants))


def _name_of(participant: Participant) -> ClockName:
    return ClockName(participant_id=participant.participant_id)


def _length(session: Session, participant: Participant) -> Millis | None:
    return participant.next_cycle_ms or _usual_length(session, participant)


def _usual_length(session: Session, participant: Participant) -> Millis | None:
    """Return the length of the participant's cycles other than an adjusted next one."""
    return session.time_per_cycle_ms or participant.bank_ms
