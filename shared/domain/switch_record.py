"""Records of switches, from which they can be undone without the audit trail.

A session keeps its last 8 switches as differences: the clocks of the two participants concerned,
and what else the switch changed. Only the participant whose turn a switch began has played since,
so these suffice to restore the state before it (see `undo`).
"""

from msgspec.structs import astuple

from shared.domain.clocks import ClockRules
from shared.domain.session import (
    NO_REST,
    BankOwner,
    Participant,
    RestOfSwitch,
    Session,
    SwitchRecord,
    SyncMode,
    sources_in,
)
from shared.domain.time_budget import EMPTY
from shared.domain.units import Millis
from shared.domain.values import replace

KEPT_SWITCHES = 8

_NO_REST = astuple(NO_REST)[: RestOfSwitch.__struct_fields__.index("extensions") + 1]
"""The values of `_rest` in most sessions, compared as a tuple because that makes no struct."""


def recorded_switches(
    clocks: ClockRules, session: Session, next_id: str | None
) -> tuple[SwitchRecord, ...]:
    """Return the records to keep after a switch to `next_id`, the newest last.

    `session` must have been advanced to the instant of the switch.
    """
    ended, begun = session.active, session.find(next_id) if next_id else None
    of_ended, of_begun = clocks.bank_owner_of(session, ended), clocks.bank_owner_of(session, begun)
    record = SwitchRecord(
        ended.participant_index if ended else None,
        begun.participant_index if begun else None,
        session.cycle_used_ms,
        (of_ended.bank_ms or Millis(0)) if of_ended else None,
        (of_begun.bank_ms or Millis(0)) if of_begun else None,
        _rest(session, begun, of_ended, of_begun),
    )
    return (*session.switches[-(KEPT_SWITCHES - 1) :], record)


def with_turn_start(clocks: ClockRules, session: Session) -> Session:
    """Return the session, whose turn begins, with the sources that the turn begins with.

    They are kept only where they can't be calculated from the bank at the end of the turn.
    """
    owner = clocks.bank_owner_of(session, session.active)
    needed = None if owner is None or owner.reserve == EMPTY else sources_in(owner)
    return session if needed == session.turn_start else replace(session, turn_start=needed)


def with_correction(session: Session) -> Session:
    """Note that an undo of this turn, or of the switch before it, would lose a correction."""
    has_turns = session.cycle_number and session.sync_mode is not SyncMode.INDIVIDUAL
    return replace(session, is_adjusted=True) if has_turns else session


def _rest(
    session: Session,
    begun: Participant | None,
    of_ended: BankOwner | None,
    of_begun: BankOwner | None,
) -> RestOfSwitch | None:
    group = session.group(begun.group_id) if begun and session.groups else None
    programme = session.programme
    rest = (  # in the order of the fields, without those that an extension sets
        session.is_corrected,
        session.is_adjusted,
        session.cycle_idle_ms,
        session.turn_start,
        of_ended.reserve if of_ended else EMPTY,
        of_begun.reserve if of_begun else EMPTY,
        session.cycle_left_ms,
        session.session_left_ms,
        session.start_left_ms,
        begun.next_cycle_ms if begun else None,
        group.last_player_id if group else None,
        programme.place if programme else None,
        programme.over_ms if programme else Millis(0),
        session.extensions,
    )
    return None if rest == _NO_REST else RestOfSwitch(*rest)
