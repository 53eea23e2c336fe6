"""Apply due flag falls and warnings, each at its own instant."""

from collections.abc import Iterator
from typing import Any

from shared.domain.clocks import clocks_of
from shared.domain.events import EventType, Expiry, SessionChange, SessionStep, TimeWarning
from shared.domain.session import Session, Status, TimeoutKind
from shared.domain.timekeeping import UpcomingWarning, deadline, move_anchor, next_warning
from shared.domain.units import Instant, Millis
from shared.domain.values import replace


def settle(session: Session, now: Instant) -> Iterator[SessionStep]:
    """Yield each flag fall and warning that is due by `now`, oldest first.

    The last step holds the resulting session. Yields nothing if nothing is due.
    """
    while (step := _next_due(session, now)) is not None:
        yield step
        session = step.session


def _next_due(session: Session, now: Instant) -> SessionStep | None:
    warning, flag_fall_at = next_warning(session), deadline(session)
    if flag_fall_at is None or flag_fall_at > now:
        return _warn(session, warning) if warning and warning.at <= now else None
    if warning and warning.at <= flag_fall_at:
        return _warn(session, warning)
    return _expire(session, flag_fall_at)


def _warn(session: Session, warning: UpcomingWarning) -> TimeWarning:
    warned = replace(session, warned=warning.rank)
    return TimeWarning(warned, warning.at, warning.threshold_ms, warning.side)


def _expire(session: Session, at: Instant) -> SessionChange:
    clocks = clocks_of(session)
    side = clocks.owner(session)
    session = move_anchor(session, at)
    elapsed = session.cycle_used_ms
    ends = session.action_on_timeout.type is TimeoutKind.END_SESSION
    if ends or clocks.is_session_over(session):
        outcome = replace(
            session, status=Status.EXPIRED, cycle_started_at=None, session_completed_at=at
        )
    elif session.auto_advances:
        outcome = begin_next_cycle(session, clocks.next_in_turn(session), at)
    else:
        outcome = session
    return SessionChange(
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


def begin_next_cycle(session: Session, participant_id: str | None, at: Instant) -> Session:
    """End the current cycle at `at` and begin one for `participant_id`.

    `session` must have been advanced to `at`. The increment goes to the clock that is switched
    away from, unless that clock has expired.
    """
    clocks = clocks_of(session)
    if clocks.left(session) != 0:
        session = clocks.end_cycle(session)
    if active := session.active:
        session = session.with_participant(replace(active, cycle_count=active.cycle_count + 1))
    session = clocks.begin_cycle(session, participant_id)
    return replace(
        session,
        cycle_number=session.cycle_number + 1,
        cycle_started_at=at,
        cycle_used_ms=Millis(0),
    )


def next_version(session: Session, at: Instant) -> Session:
    """Return the session with its version increased by 1 and updated at `at`."""
    return replace(session, version=session.version + 1, updated_at=at)


def applied_action(session: Session) -> dict[str, Any]:
    """Return the `action_on_timeout` as applied.

    With `end_session` and `winner_by: "time"` it names the `winner` if only one side has time left.
    """
    action = session.action_on_timeout
    applied = action.as_dict()
    if action.type is TimeoutKind.END_SESSION and applied.get("winner_by") == "time":
        survivors = clocks_of(session).ids_with_time_left(session)
        if len(survivors) == 1:
            applied["winner"] = survivors[0]
    return applied
