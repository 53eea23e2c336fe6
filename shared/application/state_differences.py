"""Differences of states: the participants that a change concerned, in place of the whole state.

In `individual` a change usually concerns one of up to a thousand participants. The clocks of all
others run on as the client knows them, so it can calculate the whole new state from the one before
(docs/realtime.md).
"""

import msgspec

from shared.application.session_parts import is_divided, participant_changes
from shared.application.session_view import SessionView
from shared.application.shown_state import ShownState
from shared.domain.session import Participant, Session, SyncMode
from shared.domain.units import Instant, Millis
from shared.domain.values import replace


class DifferenceView(msgspec.Struct):
    """The difference to the state of version `since`.

    `state` is the Session of the API, in which `participants` has only those that were added or
    changed.
    """

    since: int
    state: SessionView


def pushed_difference(before: Session | None, after: ShownState) -> DifferenceView | None:
    """Return the difference that is pushed in place of the whole state; None if none is.

    Smaller sessions than those that are stored in parts are always pushed as a whole.
    """
    if before is None or not is_divided(after.session):
        return None
    changed = changed_participants(before, after.session)
    return None if changed is None else difference(before, changed, after)


def difference(
    before: Session, changed: tuple[Participant, ...], after: ShownState
) -> DifferenceView:
    """Return the difference of the state `after` to `before`, which has the `changed`."""
    indexes = {participant.participant_index for participant in changed}
    return DifferenceView(before.version, after.with_only(indexes))


def changed_participants(before: Session, after: Session) -> tuple[Participant, ...] | None:
    """Return the participants that the change added or changed, if it changed nothing else.

    None if it also changed what others show, so that the whole state must be sent: the clocks must
    have run before and after, no participant may have been removed, and at most half of them may
    have changed.
    """
    is_running = after.cycle_started_at is not None and before.cycle_started_at is not None
    if after.sync_mode is not SyncMode.INDIVIDUAL or not is_running or after.scheduled:
        return None
    if _settings(before) != _settings(after):
        return None
    changes = participant_changes(before, after)
    is_small = len(changes.changed) * 2 <= len(after.participants)
    return changes.changed if is_small and not changes.removed else None


def _settings(session: Session) -> Session:
    """Return the session without its participants and the values that every change sets."""
    return replace(
        session,
        participants=(),
        version=0,
        updated_at=Instant(0),
        cycle_started_at=None,
        used_ms=Millis(0),
        cycle_used_ms=Millis(0),
        warned=None,
        is_corrected=False,
    )
