"""What happens of itself: flag falls and warnings, each at its own instant."""

from collections.abc import Iterator
from typing import Any

from shared.domain.clocks import clocks_of
from shared.domain.cycles import begin_next_cycle, next_version
from shared.domain.events import Change, EventType, Expiry, Step, Warned
from shared.domain.frozen import replace
from shared.domain.session import Session, Status, TimeoutKind
from shared.domain.timekeeping import Threshold, advance, deadline, next_warning
from shared.domain.units import Instant, Millis


def settle(session: Session, now: Instant) -> Iterator[Step]:
    """Every warning and deadline that has come by `now`, oldest first.

    The last step holds the session as it stands; none means that nothing was due.
    """
    while (step := _next_due(session, now)) is not None:
        yield step
        session = step.session


def settled(session: Session, now: Instant) -> Session:
    """The session after everything that was due by `now`."""
    for step in settle(session, now):
        session = step.session
    return session


def _next_due(session: Session, now: Instant) -> Step | None:
    warning, zero = next_warning(session), deadline(session)
    if zero is None or zero > now:
        return _warn(session, warning) if warning and warning.at <= now else None
    if warning and warning.at <= zero:
        return _warn(session, warning)
    return _fall_flag(session, zero)


def _warn(session: Session, warning: Threshold) -> Warned:
    warned = replace(session, warned=(warning.at, warning.threshold_ms, warning.place))
    return Warned(warned, warning.at, warning.threshold_ms, warning.side)


def _fall_flag(session: Session, at: Instant) -> Change:
    clocks = clocks_of(session)
    side = clocks.owner(session)
    session = advance(session, at)
    elapsed = session.cycle_used_ms
    ends = session.action_on_timeout.type is TimeoutKind.END_SESSION
    if ends or clocks.is_exhausted(session):
        outcome = replace(
            session, status=Status.EXPIRED, cycle_started_at=None, session_completed_at=at
        )
    elif session.advances_itself:
        outcome = begin_next_cycle(session, clocks.next_in_turn(session), at)
    else:
        outcome = session
    return Change(
        EventType.TIME_EXPIRED,
        next_version(outcome, at),
        at,
        side,
        time_remaining_ms=Millis(0),
        time_elapsed_ms=elapsed,
        expiry=Expiry(side, applied_action(session)),
        metadata={
            "status": outcome.status.value,
            "next_participant_id": outcome.active_participant_id,
        },
    )


def applied_action(session: Session) -> dict[str, Any]:
    """The session's `action_on_timeout` as applied, with the winner on time if that is settled."""
    action = session.action_on_timeout
    applied = action.as_dict()
    if action.type is TimeoutKind.END_SESSION and applied.get("winner_by") == "time":
        survivors = clocks_of(session).survivors(session)
        if len(survivors) == 1:
            applied["winner"] = survivors[0]
    return applied
