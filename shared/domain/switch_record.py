"""Records of switches, from which they can be undone without the audit trail.

A session keeps its last 8 switches as differences: the clocks of the two participants concerned,
and what else the switch changed. Only the participant whose turn a switch began has played since,
so these suffice to restore the state before it (see `undo`).
"""

from shared.domain.clocks import clocks_of
from shared.domain.session import (
    NO_REST,
    Participant,
    RestOfSwitch,
    Session,
    SwitchRecord,
    SyncMode,
)
from shared.domain.time_budget import EMPTY, Sources
from shared.domain.units import Millis
from shared.domain.values import replace

KEPT_SWITCHES = 8


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
    return None if rest == NO_REST else rest
