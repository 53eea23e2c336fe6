"""A session's own time and the store's.

They differ in test sessions only, by what the session was advanced by. The domain, and everything
that a session shows, uses the session's time. The store, its wake-ups and alarms use the store's.
"""

from shared.domain.session import Session
from shared.domain.units import Instant


def session_time(session: Session, store_time: Instant) -> Instant:
    """Return the session's time at an instant of the store."""
    return Instant(store_time + _advanced_ms(session))


def store_time(session: Session, session_time: Instant) -> Instant:
    """Return the store's time at an instant of the session."""
    return Instant(session_time - _advanced_ms(session))


def carried_over(now: Instant, before: Session, after: Session) -> Instant:
    """Return the time of the newer state `after` at the instant that `before` calls `now`."""
    return max(session_time(after, store_time(before, now)), after.updated_at)


def _advanced_ms(session: Session) -> int:
    return session.virtual_clock.advanced_ms if session.virtual_clock else 0
