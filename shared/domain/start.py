"""Start of a session: by a command, or at its `start_at`."""

from shared.domain.changes import change
from shared.domain.clocks import clocks_of
from shared.domain.events import EventType, SessionChange
from shared.domain.schedule import within_end
from shared.domain.session import Session, Status
from shared.domain.switch_record import with_turn_start
from shared.domain.timekeeping import move_anchor
from shared.domain.units import Instant
from shared.domain.values import replace


def started(session: Session, at: Instant) -> Session:
    """Return the pending session as it runs from `at` on, with its version unchanged."""
    session = move_anchor(session, at)
    clocks = clocks_of(session)
    running = clocks.begin_cycle(clocks.start(session))
    running = replace(
        with_turn_start(clocks, running),
        cycle_left_ms=session.cycle_left_ms,
        status=Status.RUNNING,
        cycle_number=1,
        cycle_started_at=at,
        session_started_at=at,
    )
    return within_end(running, at)


def start(session: Session, at: Instant, *, is_automatic: bool) -> SessionChange:
    """Return the change that starts the pending session at `at`."""
    begun = change(EventType.SESSION_STARTED, started(session, at), at)
    return replace(begun, is_automatic=is_automatic)
