"""`per_participant`: the active participant's own bank runs (chess)."""

from collections.abc import Iterable, Sequence

from shared.domain.clocks.banks import BankRules, after_drawing, balance
from shared.domain.clocks.base import ClockName
from shared.domain.session import Participant, Session
from shared.domain.time_budget import Clock, TimeBudget
from shared.domain.units import Millis
from shared.domain.values import replace


class PerParticipant(BankRules[Participant]):
    """Each participant has a bank of its own."""

    def owners(self, session: Session) -> Sequence[Participant]:
        return session.participants

    def active_owner(self, session: Session) -> Participant | None:
        return session.active

    def id_of(self, owner: Participant) -> str:
        return owner.participant_id

    def playing(self, session: Session) -> Iterable[Participant]:
        return (participant for participant in session.participants if not participant.is_retired)

    def name_of(self, owner: Participant) -> ClockName:
        return ClockName(participant_id=owner.participant_id)

    def with_owners(self, session: Session, owners: Iterable[Participant]) -> Session:
        return replace(session, participants=tuple(owners))

    def with_owner(self, session: Session, owner: Participant) -> Session:
        return session.with_participant(owner)

    def with_ended_turn(self, session: Session, owner: Participant, ended: TimeBudget) -> Session:
        count = owner.cycle_count + 1
        return session.with_participant(
            replace(owner, bank_ms=ended.bank_ms, reserve=ended.reserve, cycle_count=count)
        )

    def owner_of(self, session: Session, participant: Participant) -> Participant:
        return participant

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        return self.adjust_owner(session, participant, value)

    def join(self, session: Session, newcomer: Participant) -> Session:
        return self.with_full_reserve(super().join(session, newcomer), newcomer)

    def consume_own(self, session: Session, active: Participant, spent: Millis) -> Participant:
        return after_drawing(session, active, spent, used_ms=Millis(active.used_ms + spent))

    def values_of(self, session: Session) -> list[Millis | None]:
        return [balance(session, participant) for participant in session.participants]

    def arranged(
        self, session: Session, drawn: list[Clock]
    ) -> tuple[Sequence[Clock | None], Sequence[Clock]]:
        return drawn, ()
