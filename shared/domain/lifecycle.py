"""Commands that change the status of a session: start, pause, resume, complete, cancel."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain import commands as c
from shared.domain.changes import change, with_session_metadata
from shared.domain.clocks import clocks_of
from shared.domain.errors import InvalidTransition
from shared.domain.events import EventType, SessionChange
from shared.domain.schedule import paused, resumed, within_end
from shared.domain.session import Session, Status
from shared.domain.start import start
from shared.domain.timekeeping import move_anchor
from shared.domain.units import Instant
from shared.domain.values import replace


def require_running(session: Session, message: str) -> None:
    """Raise `InvalidTransition` with `message` unless the session is running."""
    if session.status is not Status.RUNNING:
        raise InvalidTransition(message, session.status)


def end_session(session: Session, status: Status, event: EventType, now: Instant) -> SessionChange:
    """Return the change that ends the session at `now` with that status.

    Raises `InvalidTransition` if it has ended already.
    """
    if session.status.is_terminal:
        raise InvalidTransition(f"cannot be {status.value}", session.status)
    ended = replace(
        clocks_of(session).end(within_end(move_anchor(session, now), now)),
        status=status,
        cycle_started_at=None,
        session_completed_at=now,
    )
    return change(event, ended, now)


def _start(session: Session, _: c.Start, now: Instant) -> SessionChange:
    if session.status is not Status.PENDING:
        raise InvalidTransition("cannot be started", session.status)
    if session.ends_at is not None and session.ends_at <= now:
        raise InvalidTransition("cannot be started after its ends_at", session.status)
    return start(session, now, is_automatic=False)


def _pause(session: Session, _: c.Pause, now: Instant) -> SessionChange:
    require_running(session, "cannot be paused")
    stopped = replace(
        move_anchor(session, now),
        status=Status.PAUSED,
        cycle_started_at=None,
        is_corrected=True,
    )
    return change(EventType.SESSION_PAUSED, paused(stopped, now), now)


def _resume(session: Session, _: c.Resume, now: Instant) -> SessionChange:
    if session.status is not Status.PAUSED:
        raise InvalidTransition("cannot be resumed", session.status)
    running = replace(session, status=Status.RUNNING, cycle_started_at=now)
    return change(EventType.SESSION_RESUMED, resumed(running, now), now)


def _complete(session: Session, command: c.Complete, now: Instant) -> SessionChange:
    completed = end_session(session, Status.COMPLETED, EventType.SESSION_COMPLETED, now)
    return with_session_metadata(completed, command.metadata)


def _cancel(session: Session, _: c.Cancel, now: Instant) -> SessionChange:
    return end_session(session, Status.CANCELLED, EventType.SESSION_CANCELLED, now)


LIFECYCLE_TRANSITIONS: Mapping[
    type[c.Command], Callable[[Session, Any, Instant], SessionChange]
] = {
    c.Start: _start,
    c.Pause: _pause,
    c.Resume: _resume,
    c.Complete: _complete,
    c.Cancel: _cancel,
}
"""The transitions of these commands."""
