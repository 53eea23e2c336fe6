"""What a session's clocks show at an instant: calculated from the anchor, never counted."""

from dataclasses import dataclass, field

from shared.domain.clocks import Side, clocks_of
from shared.domain.frozen import replace
from shared.domain.session import Session
from shared.domain.units import DAY, Instant, Millis, after, elapsed_between


def live(session: Session, now: Instant) -> Session:
    """The clocks as they show at `now`; the anchor itself stays where it is."""
    if session.cycle_started_at is None:
        return session
    return clocks_of(session).spend(session, elapsed_between(session.cycle_started_at, now))


def advance(session: Session, now: Instant) -> Session:
    """The same session with its anchor moved to `now`, if it runs at all."""
    if session.cycle_started_at is None:
        return session
    return replace(live(session, now), cycle_started_at=now, warned=None)


def deadline(session: Session) -> Instant | None:
    """When the running clock reaches zero; None when none runs toward zero."""
    if session.cycle_started_at is None:
        return None
    left = clocks_of(session).left(session)
    return after(session.cycle_started_at, left) if left else None


@dataclass(frozen=True, slots=True, order=True)
class Threshold:
    """A clock that comes down to a threshold; ordered by when, then by which, then by whose."""

    at: Instant
    threshold_ms: Millis
    place: int
    side: Side = field(compare=False)


def next_warning(session: Session) -> Threshold | None:
    """The next threshold that a running clock comes down to.

    A clock is warned of when it comes down to a threshold, so not where the anchor finds it
    there or below.
    """
    if session.cycle_started_at is None or not session.warn_at_ms:
        return None
    ahead = (
        Threshold(after(session.cycle_started_at, Millis(left - threshold)), threshold, place, side)
        for place, (side, left) in enumerate(clocks_of(session).running(session))
        for threshold in session.warn_at_ms
        if threshold < left
    )
    said = session.warned
    return min(
        (w for w in ahead if said is None or (w.at, w.threshold_ms, w.place) > said), default=None
    )


def next_wakeup(session: Session) -> Instant | None:
    """When something next happens of itself: a warning or a flag fall."""
    warning, zero = next_warning(session), deadline(session)
    if warning is None or zero is None:
        return zero
    return min(warning.at, zero)


def retention(session: Session) -> Millis:
    """How long a session is kept from its last change on, ms.

    A day longer than its clocks run on without a command: a change that comes by itself renews it,
    even when all workers were away for hours. Where the clocks stand still they are counted as if
    they ran, for someone may set them going; one that has ended is kept for the day alone.
    """
    if session.status.is_terminal:
        return DAY
    return Millis(clocks_of(session).runs_on_for(session) + DAY)
