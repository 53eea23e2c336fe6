"""`per_participant`: the active participant's own bank runs (chess)."""

from shared.domain.clocks.base import BankRules
from shared.domain.session import Participant, Session
from shared.domain.units import Millis
from shared.domain.values import replace


class PerParticipant(BankRules):
    """Each participant has a bank. A switch adds the Fischer increment to the bank that ran."""

    def left(self, session: Session) -> Millis | None:
        active = session.active
        return active.bank_ms if active else None

    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        return participant.bank_ms

    def consume_own(self, active: Participant, spent: Millis) -> Participant:
        left = None if active.bank_ms is None else Millis(active.bank_ms - spent)
        return replace(active, used_ms=Millis(active.used_ms + spent), bank_ms=left)

    def end_cycle(self, session: Session) -> Session:
        return _add_to_active(session, session.increment_ms)

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        return session.with_participant(replace(participant, bank_ms=value))

    def banks(self, session: Session) -> list[Millis]:
        return [p.bank_ms for p in session.participants if p.bank_ms]

    def is_eligible(self, session: Session, participant: Participant) -> bool:
        return bool(participant.bank_ms)


def _add_to_active(session: Session, added: Millis) -> Session:
    active = session.active if added else None
    if active is None or active.bank_ms is None:
        return session
    return session.with_participant(replace(active, bank_ms=Millis(active.bank_ms + added)))
