"""Rules that modes with banks share: each participant or group has a time budget."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from shared.domain.clocks.base import (
    AdjustableClock,
    ClockName,
    ClockOwner,
    ClockRules,
    ClockScope,
    DrawnClocks,
    elapsed_clock,
    lowest_value,
)
from shared.domain.session import BankOwner, Group, Participant, Session
from shared.domain.time_budget import EMPTY, Clock, Sources, TimeBudget, full_reserve
from shared.domain.time_control import TimeControl
from shared.domain.units import Millis
from shared.domain.values import replace

Owner = TypeVar("Owner", Participant, Group)


class BankRules(ClockRules, Generic[Owner]):
    """Each budget runs out once; when all have, the session is over."""

    @abstractmethod
    def owners(self, session: Session) -> Sequence[Owner]:
        """Return the participants or groups that have banks."""

    @abstractmethod
    def active_owner(self, session: Session) -> Owner | None:
        """Return the owner of the running clock."""

    @abstractmethod
    def id_of(self, owner: Owner) -> str:
        """Return the owner's id."""

    @abstractmethod
    def with_owner(self, session: Session, owner: Owner) -> Session:
        """Return the session with `owner` replacing the one of the same id."""

    def value(self, session: Session) -> Millis | None:
        owner = self.active_owner(session)
        return balance(session, owner) if owner else None

    def open(self, session: Session) -> Session:
        for owner in self.owners(session):
            session = self.with_full_reserve(session, owner)
        return session

    def with_full_reserve(self, session: Session, owner: Owner) -> Session:
        """Give an owner who has not played yet its overtime."""
        control = owner.time_control or session.time_control
        reserve = full_reserve(control) if control else EMPTY
        if reserve is owner.reserve:
            return session
        return self.with_owner(session, replace(owner, reserve=reserve))

    def with_gain_of_start(self, session: Session) -> Session:
        for owner in self.owners(session):
            budget = session.budget_of(owner)
            if budget.control.first_turn:
                gained = budget.gain(budget.control.increment_ms)
                session = self._with_budget(session, owner, gained)
        return session

    def start(self, session: Session) -> Session:
        session = self.with_gain_of_start(session)
        return replace(session, start_left_ms=session.control.first_turn_within_ms)

    def begin_cycle(self, session: Session) -> Session:
        owner = self.active_owner(session)
        if owner is None:
            return session
        control = owner.time_control or session.time_control
        if control is None or not control.delay_ms:
            return session
        return self._with_budget(session, owner, session.budget_of(owner).begin_turn())

    def draw(self, session: Session, spent: Millis) -> Session:
        if session.time_control is None or not session.time_control.hourglass:
            return session
        owner = self.active_owner(session)
        return self._with_gain_of_others(session, owner, spent) if owner else session

    def _with_gain_of_others(self, session: Session, active: Owner, gained: Millis) -> Session:
        for owner in self.owners(session):
            if owner.bank_ms and self.id_of(owner) != self.id_of(active):
                session = self._with_budget(session, owner, session.budget_of(owner).gain(gained))
        return session

    def end_cycle(self, session: Session) -> Session:
        owner = self.active_owner(session)
        if owner is None:
            return super().end_cycle(session)
        budget = session.budget_of(owner)
        if session.awaits_first_turn:
            ended = budget.end_free_turn()
        else:
            ended = budget.end_turn(session.cycle_used_ms)
        session = self.with_ended_turn(session, owner, ended)
        return session if session.start_left_ms is None else replace(session, start_left_ms=None)

    def with_ended_turn(self, session: Session, owner: Owner, ended: TimeBudget) -> Session:
        """Return the session with its cycle counted, and the owner's budget after its turn."""
        return super().end_cycle(self._with_budget(session, owner, ended))

    def _with_budget(self, session: Session, owner: Owner, budget: TimeBudget) -> Session:
        if budget.bank_ms == owner.bank_ms and budget.reserve is owner.reserve:
            return session
        changed = replace(owner, bank_ms=budget.bank_ms, reserve=budget.reserve)
        return self.with_owner(session, changed)

    def with_periods(self, session: Session, participant: Participant, periods: int) -> Session:
        owner = self.owner_of(session, participant)
        if owner is None:
            return session
        return self._with_budget(session, owner, session.budget_of(owner).with_periods(periods))

    @abstractmethod
    def playing(self, session: Session) -> Iterable[Owner]:
        """Return the owners to whom the rotation may give a turn if they have time."""

    def forfeit(self, session: Session, participant: Participant) -> Session:
        owner = self.owner_of(session, participant)
        if owner is None:
            return session
        budget = session.budget_of(owner)
        return self._with_budget(session, owner, budget.draw(budget.total_ms))

    def adjust_owner(self, session: Session, owner: Owner, value: Millis) -> Session:
        """Set the owner's bank."""
        return self._with_budget(session, owner, replace(session.budget_of(owner), bank_ms=value))

    @abstractmethod
    def name_of(self, owner: Owner) -> ClockName:
        """Return the name of the owner's clock."""

    def adjustable(self, session: Session, scope: ClockScope) -> list[ClockName]:
        if scope is not ClockScope.ALL:
            return []
        return [self.name_of(owner) for owner in self.owners(session)]

    def adjustable_of(self, session: Session, participant: Participant) -> ClockName | None:
        side = self.side(participant)
        return ClockName(side.participant_id, side.group_id)

    def adjustable_clocks(self, session: Session) -> Iterator[AdjustableClock]:
        for owner in self.owners(session):
            control = owner.time_control or session.time_control
            yield AdjustableClock(self.name_of(owner), owner.bank_ms or Millis(0), control)

    @abstractmethod
    def with_owners(self, session: Session, owners: Iterable[Owner]) -> Session:
        """Return the session with `owners` in place of all its owners."""

    def with_values(self, session: Session, values: Mapping[ClockName, Millis]) -> Session:
        return self.with_owners(
            session,
            [
                replace(owner, bank_ms=values.get(self.name_of(owner), owner.bank_ms))
                for owner in self.owners(session)
            ],
        )

    def totals(self, session: Session) -> list[Millis]:
        """Return the time of each owner who has any, and isn't retired."""
        totals = (session.budget_of(owner).total_ms for owner in self.playing(session))
        return [total for total in totals if total]

    def max_unattended_ms(self, session: Session) -> Millis:
        if not session.auto_advances or not self.left(session):
            return super().max_unattended_ms(session)
        owners: list[Participant | Group] = [*self.playing(session)]
        active = self.active_owner(session)
        if active and all(owner is not active for owner in owners):
            owners.append(active)  # a retired one's clock runs until its turn ends
        budgets = [session.budget_of(owner) for owner in owners]
        return Millis(sum(one.total_ms + one.control.delay_ms for one in budgets))

    def automatic_cycle_lengths(self, session: Session) -> list[Millis]:
        return self.totals(session)

    def is_session_over(self, session: Session) -> bool:
        return not session.overtime and not self.totals(session)

    def ids_with_time_left(self, session: Session) -> list[str]:
        return [self.id_of(o) for o in self.playing(session) if session.budget_of(o).total_ms]

    def period_ends(self, session: Session) -> Sequence[tuple[ClockOwner, Millis, int]]:
        owner = self.active_owner(session)
        if owner is None or not owner.reserve.periods:
            return ()
        side = self.owner(session)
        ends = session.budget_of(owner).period_ends()
        return [(side, after_ms, periods_left) for after_ms, periods_left in ends]

    @abstractmethod
    def owner_of(self, session: Session, participant: Participant) -> Owner | None:
        """Return the owner whose clock governs `participant`."""

    def control_of(self, session: Session, participant: Participant) -> TimeControl | None:
        owner = self.owner_of(session, participant)
        return (owner.time_control if owner else None) or session.time_control

    def value_of(self, session: Session, participant: Participant) -> Millis | None:
        owner = self.owner_of(session, participant)
        return balance(session, owner) if owner else None

    def bank_owner_of(self, session: Session, participant: Participant | None) -> BankOwner | None:
        return self.owner_of(session, participant) if participant else None

    def with_sources(
        self, session: Session, participant: Participant | None, sources: Sources
    ) -> Session:
        owner = self.owner_of(session, participant) if participant else None
        if owner is None:
            return session
        changed = replace(owner, bank_ms=sources.bank_ms, reserve=sources.reserve)
        return self.with_owner(session, changed)

    @abstractmethod
    def arranged(
        self, session: Session, drawn: list[Clock]
    ) -> tuple[Sequence[Clock | None], Sequence[Clock]]:
        """Return the clocks of all participants and groups, given those `drawn` of the owners."""

    def drawn(self, session: Session, only: Collection[int] | None = None) -> DrawnClocks:
        floor_ms, active = lowest_value(session), self.active_owner(session)
        running: Owner | None = None
        running_ms: Millis | None = Millis(0)
        gains_ms: Millis | None = None
        if session.cycle_started_at is not None and not session.awaits_first_turn:
            left = None if active is None else balance(session, active)
            running_ms = None if left is None else Millis(max(0, left - floor_ms))
            running, control = active if running_ms else None, session.time_control
            gains_ms = left if running and control and control.hourglass else None
        owners = self.owners(session)
        drawn = [_clock_of(session, one, gains_ms, is_running=one is running) for one in owners]
        if floor_ms:
            drawn = [replace(clock, floor_ms=floor_ms) for clock in drawn]
        current = drawn[owners.index(active)] if active else None
        of_participants, of_groups = self.arranged(session, drawn)
        elapsed = elapsed_clock(session, running_ms)
        return DrawnClocks(of_participants, of_groups, current, None, None, elapsed)

    def is_eligible(self, session: Session, participant: Participant) -> bool:
        has_time = session.overtime or (self.value_of(session, participant) or 0) > 0
        return has_time and not participant.is_retired


def balance(session: Session, owner: Owner) -> Millis:
    """Return all time of an owner until its flag falls, ms, as its budget says.

    A change asks for it about ten times, so an owner without a reserve needs no budget for it.
    """
    if owner.reserve is EMPTY:
        return owner.bank_ms or Millis(0)
    return session.budget_of(owner).balance_ms


def after_drawing(session: Session, owner: Owner, spent: Millis, **changed: Millis) -> Owner:
    """Return the owner of the running clock after it used `spent` ms of its time.

    Its fields in `changed` get these values in the same copy.
    """
    if owner.reserve is EMPTY:
        return replace(owner, bank_ms=Millis((owner.bank_ms or 0) - spent), **changed)
    budget = session.budget_of(owner).draw(spent)
    return replace(owner, bank_ms=budget.bank_ms, reserve=budget.reserve, **changed)


def _clock_of(
    session: Session, owner: Participant | Group, gains_ms: Millis | None, *, is_running: bool
) -> Clock:
    """Return the clock of an owner. One who waits in an hourglass gains up to `gains_ms`."""
    if owner.reserve is EMPTY and gains_ms is None:
        return Clock(owner.bank_ms or 0, -1 if is_running else 0)
    budget = session.budget_of(owner)
    if is_running or gains_ms is None or not budget.bank_ms:
        return budget.clock(-1 if is_running else 0)
    return budget.clock(1, ceiling_ms=Millis(budget.bank_ms + gains_ms))
