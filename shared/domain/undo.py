"""Undo of the last switch, without the audit trail.

A session keeps its last 8 switches as differences: the clocks of the two participants concerned,
and what else the switch changed. Only the participant whose turn a switch began has played since,
so these suffice to restore the state before it.
"""

from enum import StrEnum
from typing import Any

from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.clocks.base import lowest_value
from shared.domain.errors import NothingToUndo, UndoBlocked
from shared.domain.extension import carries_cycle_clock, with_carried_clock
from shared.domain.programme import Programme
from shared.domain.schedule import within_end
from shared.domain.session import (
    MAX_OVERRUN,
    Participant,
    RestOfSwitch,
    Session,
    SwitchRecord,
    SyncMode,
)
from shared.domain.time_budget import EMPTY, Sources
from shared.domain.time_control import TimeControl
from shared.domain.units import Instant, Millis
from shared.domain.values import replace

KEPT_SWITCHES = 8

_NO_REST = RestOfSwitch()


class UndoMode(StrEnum):
    """The time that the undone switch and the turn before it cost.

    `turn_start`: none, the turn begins again. `before_switch`: the turn's own time stays spent.
    `as_if_never`: the turn went on until now.
    """

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    TURN_START = "turn_start"
    BEFORE_SWITCH = "before_switch"
    AS_IF_NEVER = "as_if_never"


def record_switch(session: Session, next_id: str | None) -> Session:
    """Return the session, advanced to the instant of a switch to `next_id`, with its record."""
    clocks = clocks_of(session)
    ended, begun = session.active, session.find(next_id) if next_id else None
    of_ended, of_begun = clocks.sources_of(session, ended), clocks.sources_of(session, begun)
    record = SwitchRecord(
        ended.participant_index if ended else None,
        begun.participant_index if begun else None,
        session.cycle_used_ms,
        of_ended.bank_ms if of_ended else None,
        of_begun.bank_ms if of_begun else None,
        _rest(session, begun, of_ended, of_begun),
    )
    kept = session.switches[-(KEPT_SWITCHES - 1) :]
    return replace(session, switches=(*kept, record), is_corrected=False, is_adjusted=False)


def with_turn_start(session: Session) -> Session:
    """Return the session, whose turn begins, with the sources that the turn begins with.

    They are kept only where they can't be calculated from the bank at the end of the turn.
    """
    sources = clocks_of(session).sources_of(session, session.active)
    needed = sources if sources and sources.reserve != EMPTY else None
    return session if needed == session.turn_start else replace(session, turn_start=needed)


def with_correction(session: Session) -> Session:
    """Note that an undo of this turn, or of the switch before it, would lose a correction."""
    has_turns = session.cycle_number and session.sync_mode is not SyncMode.INDIVIDUAL
    return replace(session, is_adjusted=True) if has_turns else session


def _rest(
    session: Session, begun: Participant | None, of_ended: Sources | None, of_begun: Sources | None
) -> RestOfSwitch | None:
    group = session.group(begun.group_id) if begun else None
    rest = RestOfSwitch(
        was_corrected=session.is_corrected,
        was_adjusted=session.is_adjusted,
        idle_ms=session.cycle_idle_ms,
        turn_start=session.turn_start,
        ended_reserve=of_ended.reserve if of_ended else EMPTY,
        begun_reserve=of_begun.reserve if of_begun else EMPTY,
        cycle_left_ms=session.cycle_left_ms,
        session_left_ms=session.session_left_ms,
        start_left_ms=session.start_left_ms,
        next_cycle_ms=begun.next_cycle_ms if begun else None,
        last_player_id=group.last_player_id if group else None,
        place=session.programme.place if session.programme else None,
        over_ms=session.programme.over_ms if session.programme else Millis(0),
        extensions=session.extensions,
    )
    return None if rest == _NO_REST else rest


def undo(session: Session, mode: UndoMode, now: Instant) -> Session:
    """Return the session without its last switch; its clocks go on from `now`.

    `session` must have been advanced to `now`. Raises `NothingToUndo` if no switch is kept, and
    `UndoBlocked` if a pause or a correction since would be lost, if the session would have ended
    without the switch, or if a clock would have run out in a time that has a pause.
    """
    if not session.switches:
        raise NothingToUndo
    record = session.switches[-1]
    if mode is UndoMode.AS_IF_NEVER:
        return _as_if_never(session, record, now)
    rest = record.rest or _NO_REST
    was_corrected = rest.was_corrected or rest.was_adjusted
    is_corrected = session.is_corrected or session.is_adjusted
    if is_corrected or (mode is UndoMode.TURN_START and was_corrected):
        raise UndoBlocked
    restored = _before_switch(session, record)
    if mode is UndoMode.TURN_START:
        restored = _at_turn_start(restored, record)
    if session.cycle_started_at is not None:
        restored = replace(restored, cycle_started_at=now)
    return _before_its_end(restored, now)


def _before_its_end(restored: Session, at: Instant) -> Session:
    """Return the session, whose clocks run from `at`, with no more time than until `ends_at`."""
    limited = within_end(restored, at)
    if limited is not restored and limited.session_left_ms == 0:
        raise UndoBlocked("The session would have ended by now: correct its clock instead")
    return limited


def ended_participant(session: Session) -> Participant | None:
    """Return the participant whose turn the last switch ended."""
    index = session.switches[-1].ended if session.switches else None
    return _by_index(session, index)


def _before_switch(session: Session, record: SwitchRecord) -> Session:
    """Return the session as it was just before the switch, at the anchor that it has now.

    A participant who joined a session without any since then stays active.
    """
    rest, since = record.rest or _NO_REST, session.cycle_used_ms
    begun = _by_index(session, record.begun)
    if begun:
        begun = replace(
            begun, used_ms=Millis(begun.used_ms - since), next_cycle_ms=rest.next_cycle_ms
        )
        session = session.with_participant(begun)
        if group := session.group(begun.group_id):
            session = session.with_group(replace(group, last_player_id=rest.last_player_id))
    elif session.active:
        session = session.with_participant(_less_used(session.active, since))
    ended = _by_index(session, record.ended)
    if ended:
        ended = replace(ended, cycle_count=ended.cycle_count - 1)
        session = session.with_participant(ended)
    session = _with_sources(session, begun, record.begun_bank_ms, rest.begun_reserve)
    session = _with_sources(session, ended, record.ended_bank_ms, rest.ended_reserve)
    if ended:
        session = replace(session, active_participant_id=ended.participant_id)
        if begun and clocks_of(session).side(ended) == clocks_of(session).side(begun):
            session = _without_gain_of_opponent(session, since)
    return replace(
        session,
        cycle_number=session.cycle_number - 1,
        cycle_used_ms=record.spent_ms,
        cycle_idle_ms=rest.idle_ms,
        used_ms=Millis(session.used_ms - since),
        cycle_left_ms=rest.cycle_left_ms,
        session_left_ms=rest.session_left_ms,
        start_left_ms=rest.start_left_ms,
        turn_start=rest.turn_start,
        ends_at=_minus(session.ends_at, rest.end_moved_by_ms),
        extensions=rest.extensions,
        switches=session.switches[:-1],
        is_corrected=rest.was_corrected,
        is_adjusted=rest.was_adjusted,
        warned=None,
        programme=_programme_before(session, record),
    )


def _programme_before(session: Session, record: SwitchRecord) -> Programme | None:
    programme, rest = session.programme, record.rest or _NO_REST
    if programme is None or rest.place is None:
        return programme
    return programme.moved_back(rest.place, record.spent_ms, rest.over_ms)


def _at_turn_start(session: Session, record: SwitchRecord) -> Session:
    """Return the session, restored to just before the switch, at the start of that turn."""
    rest, spent = record.rest or _NO_REST, record.spent_ms
    if active := session.active:
        session = session.with_participant(_less_used(active, spent))
        if rest.turn_start:
            session = clocks_of(session).with_sources(session, session.active, rest.turn_start)
        elif record.ended_bank_ms is not None:
            bank_ms = Millis(record.ended_bank_ms + spent)
            session = _with_sources(session, session.active, bank_ms, rest.ended_reserve)
    session = _without_gain_of_opponent(session, spent)
    if session.awaits_first_turn:
        session = replace(session, start_left_ms=session.control.first_turn_within_ms)
    if programme := session.programme:
        session = replace(session, programme=replace(programme, over_ms=Millis(0)))
    return replace(
        session,
        cycle_used_ms=Millis(0),
        cycle_idle_ms=Millis(0),
        used_ms=Millis(session.used_ms - spent),
        cycle_left_ms=_cycle_left_at_start(session, spent),
        session_left_ms=_plus(session.session_left_ms, spent),
    )


def _without_gain_of_opponent(session: Session, gained: Millis) -> Session:
    """Take back what the opponent in an hourglass gained while the active side used `gained` ms.

    An opponent without time gained nothing.
    """
    clocks, active = clocks_of(session), session.active
    if not session.control.hourglass or active is None:
        return session
    opponents = (p for p in session.participants if clocks.side(p) != clocks.side(active))
    opponent = next(opponents, None)
    sources = clocks.sources_of(session, opponent)
    if sources is None or not sources.bank_ms:
        return session
    bank_ms = Millis(max(0, sources.bank_ms - gained))
    return clocks.with_sources(session, opponent, replace(sources, bank_ms=bank_ms))


def _cycle_left_at_start(session: Session, spent: Millis) -> Millis | None:
    """In `global` the session goes on after a cycle's clock has reached zero."""
    if session.sync_mode is SyncMode.GLOBAL and not carries_cycle_clock(session):
        return session.full_cycle_ms
    return _plus(session.cycle_left_ms, spent)


def _as_if_never(session: Session, record: SwitchRecord, now: Instant) -> Session:
    """Return the session in which the ended turn ran on; time given or taken since is kept.

    A running session gets an anchor in the past, so that a flag falls at its own instant.
    """
    since = Millis(session.cycle_used_ms + session.cycle_idle_ms)
    restored = _with_corrections(_before_switch(session, record), session, record, now)
    restored = replace(
        restored,
        is_corrected=session.is_corrected or restored.is_corrected,
        is_adjusted=session.is_adjusted or restored.is_adjusted,
    )
    is_running = session.cycle_started_at is not None
    anchor = Instant(now - since) if is_running else now
    limited = within_end(restored, anchor)
    if session.is_corrected and _runs_out(limited if session.moves_with_pause else restored, since):
        raise UndoBlocked("A clock would have run out before or after a pause: correct it instead")
    if record.ended is None and session.active and not _runs_out(limited, since):
        return _with_newcomer(restored, session, since, now)
    if not is_running:
        return _before_its_end(clocks_of(restored).spend(restored, since), now)
    return _before_its_end(replace(restored, cycle_started_at=anchor), anchor)


def _runs_out(session: Session, ms: Millis) -> bool:
    """Whether a clock of the session, or its wait for the first turn, comes to zero within `ms`."""
    is_waiting = session.awaits_first_turn
    left = session.start_left_ms if is_waiting else clocks_of(session).left(session)
    return left is not None and 0 < left <= ms


def _with_newcomer(restored: Session, session: Session, since: Millis, now: Instant) -> Session:
    """Let `restored` run on to `now`, with the participants of `session`, who joined since."""
    alone = replace(restored, participants=(), active_participant_id=None)
    spent = replace(
        clocks_of(alone).spend(alone, since),
        participants=session.participants,
        active_participant_id=session.active_participant_id,
        cycle_started_at=session.cycle_started_at,
    )
    return _before_its_end(spent, now)


def _with_corrections(
    restored: Session, session: Session, record: SwitchRecord, now: Instant
) -> Session:
    """Add to `restored` what `session` was given since the switch, beyond the turn's own time.

    A clock was given what it shows now, and what was drawn from it, less what it showed when the
    turn began.
    """
    rest, drawn = record.rest or _NO_REST, session.cycle_used_ms
    ended, begun = _by_index(restored, record.ended), _by_index(restored, record.begun)
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
    return replace(restored, session_left_ms=_plus(restored.session_left_ms, given))


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
    begun, ended = _by_index(restored, record.begun), _by_index(restored, record.ended)
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


def _by_index(session: Session, index: int | None) -> Participant | None:
    found = (p for p in session.participants if p.participant_index == index)
    return None if index is None else next(found, None)


def _less_used(participant: Participant, ms: Millis) -> Participant:
    return replace(participant, used_ms=Millis(max(0, participant.used_ms - ms)))


def _with_sources(
    session: Session, participant: Participant | None, bank_ms: Millis | None, reserve: Any
) -> Session:
    if bank_ms is None:
        return session
    return clocks_of(session).with_sources(session, participant, Sources(bank_ms, reserve))


def _plus(clock: Millis | None, ms: Millis) -> Millis | None:
    return None if clock is None else Millis(clock + ms)


def _minus(instant: Instant | None, ms: Millis) -> Instant | None:
    return None if instant is None else Instant(instant - ms)
