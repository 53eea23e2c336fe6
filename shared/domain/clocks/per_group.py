"""`per_group`: the bank of the active participant's group runs (team games)."""

from collections.abc import Iterable, Sequence

from shared.domain.clocks.banks import BankRules, after_drawing, balance
from shared.domain.clocks.base import ClockName, ClockOwner, rotate_after
from shared.domain.session import Group, Participant, Session
from shared.domain.time_budget import Clock
from shared.domain.units import Millis
from shared.domain.values import replace


class PerGroup(BankRules[Group]):
    """Groups take turns, and so do the members of a group, in the order of `participant_index`."""

    def owners(self, session: Session) -> Sequence[Group]:
        return session.groups

    def active_owner(self, session: Session) -> Group | None:
        active = session.active
        return session.group(active.group_id) if active else None

    def id_of(self, owner: Group) -> str:
        return owner.group_id

    def playing(self, session: Session) -> Iterable[Group]:
        ids = _ids_in_rotation(session)
        return [group for group in session.groups if group.group_id in ids]

    def name_of(self, owner: Group) -> ClockName:
        return ClockName(group_id=owner.group_id)

    def with_owners(self, session: Session, owners: Iterable[Group]) -> Session:
        return replace(session, groups=tuple(owners))

    def with_owner(self, session: Session, owner: Group) -> Session:
        return session.with_group(owner)

    def owner_of(self, session: Session, participant: Participant) -> Group | None:
        return session.group(participant.group_id)

    def draw(self, session: Session, spent: Millis) -> Session:
        group = self.active_owner(session)
        session = super().draw(session, spent)
        return session.with_group(after_drawing(session, group, spent)) if group else session

    def values_of(self, session: Session) -> list[Millis | None]:
        values = {group.group_id: balance(session, group) for group in session.groups}
        return [values.get(participant.group_id or "") for participant in session.participants]

    def begin_cycle(self, session: Session) -> Session:
        session = super().begin_cycle(session)
        group = self.active_owner(session)
        if group is None:
            return session
        return session.with_group(replace(group, last_player_id=session.active_participant_id))

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        session = session.with_participant(replace(participant, bank_ms=value))
        group = session.group(participant.group_id)
        return self.adjust_owner(session, group, value) if group else session

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
        return self.with_full_reserve(replace(session, groups=tuple(groups)), new_group)

    def next_in_turn(self, session: Session) -> str | None:
        ids = _ids_in_rotation(session)
        for group in rotate_after(session.groups, self.active_owner(session)):
            has_time = session.overtime or session.budget_of(group).total_ms > 0
            if group.group_id in ids and has_time:
                return _next_member(session, group)
        return session.active_participant_id

    def leave(self, session: Session, leaver: Participant) -> Session:
        """Remove the leaver, and its group with its bank if it was the last member."""
        members = [p.participant_id for p in session.participants if p.group_id == leaver.group_id]
        session, group = super().leave(session, leaver), session.group(leaver.group_id)
        if group is None:
            return session
        if len(members) == 1:
            return replace(session, groups=tuple(g for g in session.groups if g != group))
        if group.last_player_id != leaver.participant_id:
            return session
        place = members.index(leaver.participant_id)
        before = members[place - 1] if place else None
        return session.with_group(replace(group, last_player_id=before))

    def side(self, participant: Participant) -> ClockOwner:
        return ClockOwner(group_id=participant.group_id)

    def arranged(
        self, session: Session, drawn: list[Clock]
    ) -> tuple[Sequence[Clock | None], Sequence[Clock]]:
        ids = (group.group_id for group in session.groups)
        clocks = dict(zip(ids, drawn, strict=True))
        of_participants = [clocks.get(p.group_id or "") for p in session.participants]
        return of_participants, drawn


def _ids_in_rotation(session: Session) -> set[str | None]:
    """Return the ids of the groups with a member who takes turns."""
    return {p.group_id for p in session.participants if not p.is_retired}


def _next_member(session: Session, group: Group) -> str:
    members = [p for p in session.participants if p.group_id == group.group_id]
    last = next((p for p in members if p.participant_id == group.last_player_id), None)
    in_turn = rotate_after(members, last)
    return next(p.participant_id for p in in_turn if not p.is_retired)
