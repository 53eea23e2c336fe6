"""A session's own time and the store's.

They differ in test sessions only, by what the session was advanced by. The domain, and everything
that a session shows, uses the session's time. The store, its wake-ups and alarms use the store's.
"""

from shared.domain.session import Session
from shared.domain.units import Instant


def session_time(session: Session, store_time: Instant) -> Instant:
    """Return the session's time at an instant of the store."""
    clock = session.virtual_clock
    return store_time if clock is None else Instant(store_time + clock.advanced_ms)


def store_time(session: Session, session_time: Instant) -> Instant:
    """Return the store's time at an instant of the session."""
    clock = session.virtual_clock
    return session_time if clock is None else Instant(session_time - clock.advanced_ms)


def carried_over(now: Instant, before: Session, after: Session) -> Instant:
    """Return the time of the newer state `after` at the instant that `before` calls `now`."""
    if before is not after:
        now = session_time(after, store_time(before, now))
    return max(now, after.updated_at)
