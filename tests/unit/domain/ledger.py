"""An independent account of granted time, to check the clocks against."""

from dataclasses import dataclass, field

from shared.domain import commands as c
from shared.domain.events import EventType, SessionChange, SessionStep
from shared.domain.session import MAX_OVERRUN, Participant, Session, SyncMode

CYCLE_CLOCK, SESSION_CLOCK = "the cycle", "the session"
WITH_BANKS = (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP)


@dataclass(slots=True)
class Ledger:
    """Total time granted to each clock, ms, by participant, group, CYCLE_CLOCK or SESSION_CLOCK."""

    opening: c.Create
    granted: dict[str, int] = field(default_factory=dict)
    lengths: dict[str, int | None] = field(default_factory=dict)
    next_lengths: dict[str, int] = field(default_factory=dict)

    def open(self, session: Session) -> None:
        for seat in self.opening.participants:
            self._seat(seat)
        self.granted |= {group.group_id: group.total_time_ms for group in self.opening.groups}
        whole = {
            SyncMode.GLOBAL: self.opening.total_time_ms,
            SyncMode.COUNT_UP: self.opening.max_time_ms,
        }.get(self.opening.sync_mode)
        if whole is not None:
            self.granted[SESSION_CLOCK] = whole
        self._begin_cycle(session)

    def record(self, before: Session, step: SessionStep, command: c.Command | None = None) -> None:
        """Record the time that `step` granted; `command` is the one that caused it, if any."""
        if not isinstance(step, SessionChange):
            return
        match command:
            case c.AddParticipant(newcomer):
                self._seat(newcomer)
            case c.AdjustTime(participant_id, value) if value is not None:
                self._adjust(step.session, participant_id, value)
            case c.RemoveParticipant(participant_id):
                self._remove(before, step.session, participant_id)
            case c.UpdateParticipant() | c.UpdateSession():
                self._change_starter(before, step.session)
            case c.Forfeit(participant_id):
                self._forfeit(step, participant_id)
            case c.AdjustClocks():
                self._adjust_clocks(step)
            case c.Switch():
                self._increment(before, step.session)
        if step.session.cycle_number > before.cycle_number and step.type in (
            EventType.CYCLE_SWITCHED,
            EventType.TIME_EXPIRED,
        ):
            self._begin_cycle(step.session)

    def remaining(self, session: Session) -> dict[str, int]:
        """What each clock must show, ms, given the used time in `session`."""
        lowest = -MAX_OVERRUN if self.opening.overtime else 0
        remaining = {
            clock: max(lowest, total - _used(session, clock))
            for clock, total in self.granted.items()
        }
        return dict(sorted(remaining.items()))

    def _seat(self, seat: c.NewParticipant) -> None:
        match self.opening.sync_mode:
            case SyncMode.PER_PARTICIPANT:
                self.granted[seat.participant_id] = seat.total_time_ms or 0
            case SyncMode.PER_GROUP:
                group = seat.group_id or seat.participant_id
                self.granted[group] = self.granted.get(group, 0) + (seat.total_time_ms or 0)
            case SyncMode.PER_CYCLE:
                self.lengths[seat.participant_id] = seat.total_time_ms

    def _begin_cycle(self, session: Session) -> None:
        length = session.full_cycle_ms
        if self.opening.sync_mode is SyncMode.PER_CYCLE:
            active = session.active_participant_id or ""
            own_length = self.next_lengths.pop(active, None)
            usual = self.opening.time_per_cycle_ms or self.lengths[active] or 0
            self.granted[CYCLE_CLOCK] = own_length or usual
        elif self.opening.sync_mode is SyncMode.GLOBAL and length is not None:
            self.granted[CYCLE_CLOCK] = length

    def _increment(self, before: Session, after: Session) -> None:
        mover = before.active
        if mover is None or self.opening.sync_mode not in WITH_BANKS:
            return
        clock = _clock_of(before, mover)
        if self.granted[clock] > _used(after, clock):
            self.granted[clock] += self.opening.increment_ms

    def _adjust(self, session: Session, participant_id: str, value: int) -> None:
        participant = session.find(participant_id)
        assert participant is not None
        match self.opening.sync_mode:
            case SyncMode.PER_PARTICIPANT | SyncMode.PER_GROUP:
                clock = _clock_of(session, participant)
                self.granted[clock] = _used(session, clock) + value
            case SyncMode.PER_CYCLE:
                self.lengths[participant_id] = value
                if participant_id == session.active_participant_id:
                    self.granted[CYCLE_CLOCK] = _used(session, CYCLE_CLOCK) + value
                else:
                    self.next_lengths[participant_id] = value
            case _:
                self._adjust_shared(session, value)

    def _remove(self, before: Session, after: Session, participant_id: str) -> None:
        leaver = before.find(participant_id)
        assert leaver is not None
        clock = _clock_of(before, leaver)
        if self.opening.sync_mode in WITH_BANKS:
            self.granted[clock] -= leaver.used_ms
            if not any(_clock_of(after, p) == clock for p in after.participants):
                del self.granted[clock]
        self.next_lengths.pop(participant_id, None)
        self._change_starter(before, after)

    def _change_starter(self, before: Session, after: Session) -> None:
        has_changed = before.active_participant_id != after.active_participant_id
        if self.opening.sync_mode is SyncMode.PER_CYCLE and has_changed:
            former = before.active_participant_id
            if former is not None and after.find(former) is not None:
                self.next_lengths[former] = self.granted[CYCLE_CLOCK]
            self._begin_cycle(after)

    def _forfeit(self, change: SessionChange, participant_id: str) -> None:
        participant = change.session.find(participant_id)
        assert participant is not None
        clock = _clock_of(change.session, participant)
        self.granted[clock] = _used(change.session, clock)

    def _adjust_clocks(self, change: SessionChange) -> None:
        assert change.metadata is not None
        for clock in change.metadata["clocks"]:
            name = clock.get("participant_id", clock.get("group_id"))
            given = clock["after_ms"] - clock["before_ms"]
            shared = SESSION_CLOCK if clock.get("clock") == "session" else CYCLE_CLOCK
            if name is None:
                self.granted[shared] += given
            elif self.opening.sync_mode in WITH_BANKS:
                self.granted[name] += given
            elif name == change.session.active_participant_id:
                self.granted[CYCLE_CLOCK] += given
            else:
                self.next_lengths[name] = clock["after_ms"]

    def _adjust_shared(self, session: Session, value: int) -> None:
        if CYCLE_CLOCK in self.granted:
            self.granted[CYCLE_CLOCK] = _used(session, CYCLE_CLOCK) + value
        if SESSION_CLOCK in self.granted:
            adjusted = _used(session, SESSION_CLOCK) + value
            raised = max(self.granted[SESSION_CLOCK], adjusted)
            self.granted[SESSION_CLOCK] = raised if CYCLE_CLOCK in self.granted else adjusted


def shown(session: Session) -> dict[str, int]:
    """The remaining time of each clock as stored in `session`, ms."""
    clocks: dict[str, int | None] = {
        CYCLE_CLOCK: session.cycle_left_ms,
        SESSION_CLOCK: session.session_left_ms,
    }
    clocks |= {group.group_id: group.bank_ms for group in session.groups}
    if session.sync_mode is SyncMode.PER_PARTICIPANT:
        clocks |= {p.participant_id: p.bank_ms for p in session.participants}
    return {
        clock: remaining for clock, remaining in sorted(clocks.items()) if remaining is not None
    }


def _clock_of(session: Session, participant: Participant) -> str:
    if session.sync_mode is SyncMode.PER_GROUP:
        return participant.group_id or participant.participant_id
    return participant.participant_id


def _used(session: Session, clock: str) -> int:
    if clock == CYCLE_CLOCK:
        return session.cycle_used_ms
    if clock == SESSION_CLOCK:
        return session.used_ms
    return sum(p.used_ms for p in session.participants if _clock_of(session, p) == clock)
