"""What a session's clocks show at an instant: calculated from the anchor, never counted."""

from dataclasses import replace

from shared.domain.clocks import clocks_of
from shared.domain.session import Session
from shared.domain.units import DAY, HOUR, Instant, Millis, after, elapsed_between


def live(session: Session, now: Instant) -> Session:
    """The clocks as they show at `now`; the anchor itself stays where it is."""
    if session.cycle_started_at is None:
        return session
    return clocks_of(session).spend(session, elapsed_between(session.cycle_started_at, now))


def advance(session: Session, now: Instant) -> Session:
    """The same session with its anchor moved to `now`, if it runs at all."""
    if session.cycle_started_at is None:
        return session
    return replace(live(session, now), cycle_started_at=now, warned_ms=None)


def deadline(session: Session) -> Instant | None:
    """When the running clock reaches zero; None when none runs toward zero."""
    if session.cycle_started_at is None:
        return None
    left = clocks_of(session).left(session)
    return after(session.cycle_started_at, left) if left else None


def next_warning(session: Session) -> tuple[Instant, Millis] | None:
    """When the running clock next comes down to a threshold, and to which one."""
    left = clocks_of(session).left(session)
    if session.cycle_started_at is None or not left:
        return None
    below = left if session.warned_ms is None else session.warned_ms
    ahead = [threshold for threshold in session.warn_at_ms if threshold < below]
    if not ahead:
        return None
    threshold = max(ahead)
    return after(session.cycle_started_at, Millis(left - threshold)), threshold


def next_wakeup(session: Session) -> Instant | None:
    """When something next happens of itself: a warning or a flag fall."""
    warning = next_warning(session)
    return warning[0] if warning else deadline(session)


def retention(session: Session) -> Millis:
    """How long an untouched session must be kept: past anything that can still happen, and a day.

    An hour past the last possible deadline is the promise; the day keeps lobbies, pauses and
    results for those who come back to them.
    """
    banks = sum(p.bank_ms or 0 for p in session.participants)
    pools = sum(g.bank_ms for g in session.groups)
    own = (session.session_left_ms or 0) + (session.cycle_left_ms or 0)
    return Millis(max(DAY, banks + pools + own + HOUR))
