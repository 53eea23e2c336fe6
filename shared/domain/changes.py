"""The change that a command makes, with the data of its audit event."""

from collections.abc import Mapping
from typing import Any

from shared.domain.clocks import ClockOwner, at_least_zero, clocks_of, over_ms
from shared.domain.events import EventType, Expiry, SessionChange
from shared.domain.schedule import within_end
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.domain.values import replace


def change(
    event: EventType,
    session: Session,
    now: Instant,
    *,
    before: Session | None = None,
    side: ClockOwner | None = None,
    expiry: Expiry | None = None,
    metadata: dict[str, Any] | None = None,
) -> SessionChange:
    """Return the change that leads to `session` at `now`.

    Its event shows the clock of `side`, by default the running one, in `before`, by default
    `session` itself.
    """
    shown = within_end(before or session, now)
    clocks = clocks_of(shown)
    participant = (shown.find(side.participant_id) if side and side.participant_id else None) or (
        shown.active
    )
    if participant is None:
        left, over = clocks.left(shown), clocks.over_ms(shown)
    else:
        value = clocks.value_of(shown, participant)
        left, over = at_least_zero(value), over_ms(value)
    return SessionChange(
        event,
        session.next_version(now),
        now,
        side or clocks.owner(shown),
        time_remaining_ms=left,
        time_elapsed_ms=shown.cycle_used_ms,
        expiry=expiry,
        metadata=metadata,
        over_ms=over,
    )


def with_session_metadata(
    changed: SessionChange, metadata: Mapping[str, Any] | None
) -> SessionChange:
    """Return the change, which also replaces the session's metadata if `metadata` is given.

    Its event names the field, as that of an update does.
    """
    if metadata is None:
        return changed
    noted = {**(changed.metadata or {}), "fields": ["metadata"]}
    return replace(changed, session=replace(changed.session, metadata=metadata), metadata=noted)
