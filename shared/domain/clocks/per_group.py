"""`per_group`: the bank of the active participant's group runs (team games)."""

from shared.domain.clocks.base import BankRules, ClockOwner, rotate_after
from shared.domain.session import Group, Participant, Session
from shared.domain.units import Millis
from shared.domain.values import replace


class PerGroup(BankRules):
    """Groups take turns, and so do the members of a group, in the order of `participant_index`."""

    def left(self, session: Session) -> Millis | None:
        group = _active_group(session)
        return group.bank_ms if group else None

    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        group = session.group(participant.group_id)
        return group.bank_ms if group else None

    def times_left(self, session: Session) -> list[Millis | None]:
        banks = {group.group_id: group.bank_ms for group in session.groups}
        return [banks.get(participant.group_id or "") for participant in session.participants]

    def draw(self, session: Session, spent: Millis) -> Session:
        return _add_to_active(session, Millis(-spent))

    def end_cycle(self, session: Session) -> Session:
        return _add_to_active(session, session.increment_ms)

    def begin_cycle(self, session: Session, participant_id: str | None) -> Session:
        session = replace(session, active_participant_id=participant_id)
        group = _active_group(session)
        if group is None:
            return session
        return session.with_group(replace(group, last_player_id=participant_id))

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        session = session.with_participant(replace(participant, bank_ms=value))
        group = session.group(participant.group_id)
        return session.with_group(replace(group, bank_ms=value)) if group else session

    def join(self, session: Session, newcomer: Participant) -> Session:
        """Add the newcomer, and its time to its group's bank; a new group begins with that."""
        session = super().join(session, newcomer)
        added = newcomer.bank_ms or Millis(0)
        if group := session.group(newcomer.group_id):
            return session.with_group(replace(group, bank_ms=Millis(group.bank_ms + added)))
        new_group = Group(newcomer.group_id or newcomer.participant_id, added)
        positions: dict[str | None, int] = {}
        for position, participant in enumerate(session.participants):
            positions.setdefault(participant.group_id, position)
        groups = sorted((*session.groups, new_group), key=lambda g: positions[g.group_id])
        return replace(session, groups=tuple(groups))

    def next_in_turn(self, session: Session) -> str | None:
        for group in rotate_after(session.groups, _active_group(session)):
            if group.bank_ms > 0:
                return _next_member(session, group)
        return session.active_participant_id

    def banks(self, session: Session) -> list[Millis]:
        return [g.bank_ms for g in session.groups if g.bank_ms]

    def ids_with_time_left(self, session: Session) -> list[str]:
        return [g.group_id for g in session.groups if g.bank_ms > 0]

    def side(self, participant: Participant) -> ClockOwner:
        return ClockOwner(group_id=participant.group_id)


def _active_group(session: Session) -> Group | None:
    active = session.active
    return session.group(active.group_id) if active else None


def _add_to_active(session: Session, added: Millis) -> Session:
    group = _active_group(session)
    if group is None:
        return session
    return session.with_group(replace(group, bank_ms=Millis(group.bank_ms + added)))


def _next_member(session: Session, group: Group) -> str:
    members = [p.participant_id for p in session.participants if p.group_id == group.group_id]
    return rotate_after(members, group.last_player_id)[0]
