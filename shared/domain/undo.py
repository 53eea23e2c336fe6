"""Undo of the last switch, from its record in the session (see `switch_record`)."""

from enum import StrEnum
from typing import Any

from shared.domain.clocks import clocks_of
from shared.domain.errors import NothingToUndo, UndoBlocked
from shared.domain.extension import carries_cycle_clock
from shared.domain.kept_corrections import with_corrections
from shared.domain.programme import Programme
from shared.domain.schedule import within_end
from shared.domain.session import (
    NO_REST,
    Participant,
    Session,
    SwitchRecord,
    SyncMode,
)
from shared.domain.time_budget import Sources
from shared.domain.units import Instant, Millis
from shared.domain.values import replace


class UndoMode(StrEnum):
    """The time that the undone switch and the turn before it cost.

    `turn_start`: none, the turn begins again. `before_switch`: the turn's own time stays spent.
    `as_if_never`: the turn went on until now.
    """

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    TURN_START = "turn_start"
    BEFORE_SWITCH = "before_switch"
    AS_IF_NEVER = "as_if_never"


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
    rest = record.rest or NO_REST
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
    return session.by_index(index)


def _before_switch(session: Session, record: SwitchRecord) -> Session:
    """Return the session as it was just before the switch, at the anchor that it has now.

    A participant who joined a session without any since then stays active.
    """
    rest, since = record.rest or NO_REST, session.cycle_used_ms
    begun = session.by_index(record.begun)
    if begun:
        begun = replace(
            begun, used_ms=Millis(begun.used_ms - since), next_cycle_ms=rest.next_cycle_ms
        )
        session = session.with_participant(begun)
        if group := session.group(begun.group_id):
            session = session.with_group(replace(group, last_player_id=rest.last_player_id))
    elif session.active:
        session = session.with_participant(_less_used(session.active, since))
    ended = session.by_index(record.ended)
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
    programme, rest = session.programme, record.rest or NO_REST
    if programme is None or rest.place is None:
        return programme
    return programme.moved_back(rest.place, record.spent_ms, rest.over_ms)


def _at_turn_start(session: Session, record: SwitchRecord) -> Session:
    """Return the session, restored to just before the switch, at the start of that turn."""
    rest, spent = record.rest or NO_REST, record.spent_ms
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
    restored = with_corrections(_before_switch(session, record), session, record, now)
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
