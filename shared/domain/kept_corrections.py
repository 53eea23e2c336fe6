"""Corrections that an undo of mode `as_if_never` keeps: time given or taken since the switch.

They are calculated from the clocks: what a clock shows now, and what was drawn from it since the
switch, less what it showed just after the switch.
"""

from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.clocks.base import lowest_value
from shared.domain.extension import carries_cycle_clock, with_carried_clock
from shared.domain.schedule import within_end
from shared.domain.session import (
    MAX_OVERRUN,
    NO_REST,
    Participant,
    Session,
    SwitchRecord,
    SyncMode,
)
from shared.domain.time_budget import Sources
from shared.domain.time_control import TimeControl
from shared.domain.units import Instant, Millis
from shared.domain.values import replace


def with_corrections(
    restored: Session, session: Session, record: SwitchRecord, now: Instant
) -> Session:
    """Add to `restored` what `session` was given since the switch, beyond the turn's own time.

    A clock was given what it shows now, and what was drawn from it, less what it showed when the
    turn began.
    """
    rest, drawn = record.rest or NO_REST, session.cycle_used_ms
    ended, begun = restored.by_index(record.ended), restored.by_index(record.begun)
    began = _after_switch(restored, begun, rest.extended_by_ms)
    clocks, sides = clocks_of(restored), dict[ClockOwner, Participant]()
    for participant in (ended, begun):
        if participant:
            sides.setdefault(clocks.side(participant), participant)
    for side, participant in sides.items():
        used_ms = drawn if begun and side == clocks.side(begun) else Millis(0)
        restored = _with_given_bank(restored, began, session, participant, used_ms)
    restored = _with_given_session_time(restored, began, session, now)
    if session.sync_mode is SyncMode.PER_CYCLE and not carries_cycle_clock(session):
        return _with_given_cycles(restored, began, session, record)
    return _with_given_cycle_time(restored, began, session)


def _after_switch(restored: Session, begun: Participant | None, extended_by_ms: Millis) -> Session:
    """Return what the switch makes of `restored`."""
    clocks = clocks_of(restored)
    active_id = begun.participant_id if begun else None
    ended = replace(clocks.end_cycle(restored), active_participant_id=active_id)
    return with_carried_clock(restored, clocks.begin_cycle(ended), extended_by_ms)


def _with_given_bank(
    restored: Session, began: Session, session: Session, participant: Participant, drawn: Millis
) -> Session:
    """Add what the clock of the participant was given since it stood as in `began`.

    `drawn` is the time that its turn has taken since. A clock that was set to zero, as by a
    forfeit, stays at zero.
    """
    clocks = clocks_of(session)
    at_start, at_end = _as_in(began, participant), _as_in(session, participant)
    had, has = clocks.sources_of(began, at_start), clocks.sources_of(session, at_end)
    if had is None or has is None:
        return restored
    periods = _periods_set(clocks.control_of(session, at_end), had, has, drawn)
    if periods is not None:
        began = clocks.with_periods(began, at_start, periods)
        restored = clocks.with_periods(restored, _as_in(restored, participant), periods)
    expected = (clocks.value_of(began, _as_in(began, participant)) or 0) - drawn
    if session.control.hourglass and had.bank_ms and not drawn:
        expected += session.cycle_used_ms
    shown = clocks.value_of(session, at_end) or 0
    given = shown - expected
    participant = _as_in(restored, participant)
    if shown == 0 and (given < 0 or periods == 0):
        return clocks.forfeit(restored, participant)
    before = clocks.sources_of(restored, participant)
    if before is None or given == 0:
        return restored
    least = -MAX_OVERRUN if session.overtime else 0
    bank_ms = Millis(max(least, before.bank_ms + given))
    return clocks.with_sources(restored, participant, replace(before, bank_ms=bank_ms))


def _as_in(session: Session, participant: Participant) -> Participant:
    """Return the participant as it is in `session`."""
    return session.find(participant.participant_id) or participant


def _periods_set(
    control: TimeControl | None, had: Sources, has: Sources, drawn: Millis
) -> int | None:
    """Return the number of overtime periods that a correction left; None if none was made.

    The clock had the sources `had` at the start of a turn that has taken `drawn` ms. If time was
    given to its bank as well, what the turn can have used of its overtime counts as used.
    """
    overtime = control.overtime if control else None
    if overtime is None or not overtime.periods:
        return None
    length, at_start, at_end = overtime.period_ms, had.reserve, has.reserve
    started_with = at_start.period_ms + at_start.periods * length
    left = at_end.period_ms + at_end.periods * length
    most_used = max(0, drawn - at_start.delay_ms - had.bank_ms)
    if left == started_with - most_used:
        return None
    added, rest = divmod(left - started_with + most_used, length)
    count = at_start.periods + 1 if at_start.period_ms else 0
    if rest == 0 and 0 <= count + added <= overtime.periods:
        return count + added
    if 0 <= started_with - left <= drawn:
        return None
    return at_end.periods + 1 if at_end.period_ms else 0


def _with_given_session_time(
    restored: Session, began: Session, session: Session, now: Instant
) -> Session:
    """Add what the session's clock was given since it stood as in `began`."""
    if began.session_left_ms is None or session.session_left_ms is None:
        return restored
    left = _expected(session, began.session_left_ms, session.session_left_ms)
    expected = within_end(replace(began, session_left_ms=left, ends_at=session.ends_at), now)
    given = Millis(session.session_left_ms - (expected.session_left_ms or 0))
    had = restored.session_left_ms
    return restored if had is None else replace(restored, session_left_ms=Millis(had + given))


def _with_given_cycle_time(restored: Session, began: Session, session: Session) -> Session:
    """Add what the clock of the cycle, which all share, was given since the switch."""
    full_ms = session.full_cycle_ms if session.programme else began.cycle_left_ms
    if full_ms is None or session.cycle_left_ms is None:
        return restored
    expected = _expected(session, full_ms, session.cycle_left_ms)
    return _with_more_cycle_time(restored, session.cycle_left_ms - expected)


def _expected(session: Session, at_start: Millis, shown: Millis) -> Millis:
    """Return what a clock that the session draws on would show if nothing had been given to it.

    It showed `at_start` when the turn began. A clock whose `shown` value is the lowest has stopped.
    """
    left, lowest = at_start - session.cycle_used_ms, lowest_value(session)
    return Millis(max(left, lowest) if shown == lowest else left)


def _with_given_cycles(
    restored: Session, began: Session, session: Session, record: SwitchRecord
) -> Session:
    """Add in `per_cycle` what the cycles of the two participants were given since the switch.

    For the one whose turn ended it was the next cycle and is the running one again, and for the one
    whose turn began the reverse.
    """
    begun, ended = restored.by_index(record.begun), restored.by_index(record.ended)
    length = Millis((session.cycle_left_ms or 0) + session.cycle_used_ms)
    given = length - (began.cycle_left_ms or 0)
    if begun == ended:
        return _with_more_cycle_time(restored, given)
    if begun and given:
        restored = restored.with_participant(replace(begun, next_cycle_ms=length))
    if ended is None or ended.next_cycle_ms is None:
        return restored
    usual = session.time_per_cycle_ms or (restored.cycle_left_ms or 0) + record.spent_ms
    given = ended.next_cycle_ms - usual
    restored = restored.with_participant(replace(ended, next_cycle_ms=None))
    return _with_more_cycle_time(restored, given)


def _with_more_cycle_time(session: Session, ms: int) -> Session:
    left = session.cycle_left_ms
    if left is None or ms == 0:
        return session
    return replace(session, cycle_left_ms=Millis(max(lowest_value(session), left + ms)))
