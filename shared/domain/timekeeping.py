"""Clock values, deadlines and warnings, calculated from the session's anchor."""

from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.session import Session
from shared.domain.units import DAY, Instant, Millis, after, elapsed_between
from shared.domain.values import Value, replace


def at_time(session: Session, now: Instant) -> Session:
    """Return the session with its clocks as they are at `now`, without moving the anchor."""
    if session.cycle_started_at is None:
        return session
    return clocks_of(session).spend(session, elapsed_between(session.cycle_started_at, now))


def move_anchor(session: Session, now: Instant) -> Session:
    """Return the session with its anchor moved to `now`; unchanged if it isn't running."""
    if session.cycle_started_at is None:
        return session
    return replace(at_time(session, now), cycle_started_at=now, warned=None)


def deadline(session: Session) -> Instant | None:
    """Return the instant at which the running clock reaches zero; None if none counts down."""
    if session.cycle_started_at is None:
        return None
    left = clocks_of(session).left(session)
    return after(session.cycle_started_at, left) if left else None


class UpcomingWarning(Value, frozen=True):
    """A future warning. `place` is the index of its clock in `ClockRules.running`."""

    at: Instant
    threshold_ms: Millis
    place: int
    side: ClockOwner

    @property
    def rank(self) -> tuple[Instant, Millis, int]:
        """The order in which warnings are due."""
        return self.at, self.threshold_ms, self.place


def next_warning(session: Session) -> UpcomingWarning | None:
    """Return the next warning, or None.

    A warning is due when a clock comes down to a threshold, so not if the clock is at or below
    that threshold at the anchor.
    """
    if session.cycle_started_at is None or not session.warn_at_ms:
        return None
    candidates = (
        UpcomingWarning(
            after(session.cycle_started_at, Millis(left - threshold)), threshold, place, side
        )
        for place, (side, left) in enumerate(clocks_of(session).running(session))
        for threshold in session.warn_at_ms
        if threshold < left
    )
    last = session.warned
    return min(
        (w for w in candidates if last is None or w.rank > last),
        key=lambda warning: warning.rank,
        default=None,
    )


def next_wakeup(session: Session) -> Instant | None:
    """Return the instant of the next warning or flag fall, or None."""
    warning, flag_fall_at = next_warning(session), deadline(session)
    if warning is None or flag_fall_at is None:
        return flag_fall_at
    return min(warning.at, flag_fall_at)


def retention_ms(session: Session) -> Millis:
    """Return how long to keep a session after its last change, ms.

    One day longer than its clocks run without a command, so that an automatic change can renew it
    even after all workers were down for hours. Stopped clocks count as if they were running,
    because they may be started. An ended session is kept for one day.
    """
    if session.status.is_terminal:
        return DAY
    return Millis(clocks_of(session).max_unattended_ms(session) + DAY)
