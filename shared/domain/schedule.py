"""Instants of a session: when it starts by itself, and when it ends at the latest.

Both are instants of the store's clock. A pause doesn't move the end, unless the session says so.
"""

from collections.abc import Iterator

from shared.domain.errors import Violation
from shared.domain.scheduled_command import ScheduledOperation
from shared.domain.session import Session, Status, SyncMode
from shared.domain.units import DAY, Instant, Millis, after, elapsed_between
from shared.domain.values import replace

MIN_AHEAD = Millis(1_000)
MAX_AHEAD = Millis(30 * DAY)
NO_LIMIT = Millis(2**53 - 1)
"""Session clock of a pending session that only `ends_at` limits."""


def planned_start(session: Session) -> Instant | None:
    """Return the `start_at` of a pending session; None without one."""
    return session.start_at if session.status is Status.PENDING else None


def starts_at(session: Session) -> Instant | None:
    """Return when the session starts by itself: at `start_at`, or by a command ahead of time.

    None if it doesn't.
    """
    planned, scheduled = planned_start(session), session.scheduled
    if scheduled is None or scheduled.operation is not ScheduledOperation.START:
        return planned
    at = scheduled.effective_at
    return at if planned is None else min(at, planned)


def end_of(session: Session, now: Instant) -> Instant | None:
    """Return the instant at which the session ends at the latest, as of `now`.

    None without `ends_at`. During a pause that moves the end, its distance from `now` stays
    the same.
    """
    if session.ends_at is None or session.paused_at is None:
        return session.ends_at
    return after(session.ends_at, elapsed_between(session.paused_at, now))


def ends_while_paused_at(session: Session) -> Instant | None:
    """Return the instant at which a paused session ends without a command; None if it doesn't."""
    is_fixed = session.status is Status.PAUSED and session.paused_at is None
    return session.ends_at if is_fixed else None


def within_end(session: Session, now: Instant) -> Session:
    """Return the session with a session clock that reaches zero at `ends_at` or earlier.

    `now` is the instant from which its clocks run on, at the earliest; a pending session's clocks
    run from `start_at`. A session that has ended stays as it is.
    """
    if session.ends_at is None:
        return session
    end, left = end_of(session, now), session.session_left_ms
    if end is None or left is None or session.status.is_terminal:
        return session
    most = elapsed_between(_runs_from(session, now), end)
    return session if left <= most else replace(session, session_left_ms=most)


def with_end_following(stored: Session, adjusted: Session, now: Instant) -> Session:
    """Return `adjusted`, whose session clock was set anew at `now`, with `ends_at` moved.

    If the clock of `stored` runs toward `ends_at`, that instant moves with it; otherwise only if it
    would cut the new time. A pending session keeps the time that its `ends_at` cuts, because that
    instant can move again. `adjusted` was made from `within_end(stored, now)`.
    """
    end, current = end_of(stored, now), within_end(stored, now)
    before, left = current.session_left_ms, adjusted.session_left_ms
    if end is None or before is None or left is None:
        return adjusted
    if left == before:
        return replace(adjusted, session_left_ms=stored.session_left_ms)
    begins = _runs_from(stored, now)
    runs_out, runs_to_end = after(begins, left), end <= after(begins, before)
    moved = runs_out if runs_to_end else max(end, runs_out)
    if runs_to_end and stored.status is Status.PENDING:
        uncut = Millis(max(left, stored.session_left_ms or 0))
        adjusted = replace(adjusted, session_left_ms=uncut)
    paused_at = None if stored.paused_at is None else now
    return replace(adjusted, ends_at=moved, paused_at=paused_at)


def paused(session: Session, now: Instant) -> Session:
    """Return the session, paused at `now`, which notes that instant if the pause moves the end."""
    return replace(session, paused_at=now) if session.moves_with_pause else session


def resumed(session: Session, now: Instant) -> Session:
    """Return the session, whose clocks run on from `now`, with its end moved by the pause."""
    moved = replace(session, ends_at=end_of(session, now), paused_at=None)
    return within_end(moved, now)


def wait_ms(session: Session) -> Millis:
    """Return how long the session waits for its start, ms from its last change."""
    start = starts_at(session)
    return Millis(0) if start is None else elapsed_between(session.updated_at, start)


def time_to_end_ms(session: Session) -> Millis:
    """Return the time to `ends_at`, ms from the session's last change; 0 without it."""
    end = session.ends_at
    return Millis(0) if end is None else elapsed_between(session.updated_at, end)


def _runs_from(session: Session, now: Instant) -> Instant:
    start = starts_at(session)
    return now if start is None else max(now, start)


def instant_violation(field: str, at: Instant | None, now: Instant) -> Violation | None:
    """Return the limit that an instant breaks: it must lie 1 s to 30 days in the future."""
    if at is None:
        return None
    if at < now + MIN_AHEAD:
        message = f"must lie at least {MIN_AHEAD}ms in the future, by the server's clock"
        return Violation(field, message, "too_soon")
    if at > now + MAX_AHEAD:
        message = f"cannot lie more than {MAX_AHEAD}ms (30 days) in the future"
        return Violation(field, message, "too_late")
    return None


def schedule_violations(
    mode: SyncMode,
    start_at: Instant | None,
    ends_at: Instant | None,
    closes_at: Instant | None,
    now: Instant,
) -> Iterator[Violation]:
    """Yield the rules that the instants of a session break together; `now` is the store's time.

    `closes_at` is that of `individual`, whose own rules are in `individual_rules`.
    """
    if violation := instant_violation("start_at", start_at, now):
        yield violation
    if violation := _order_violation("closes_at", closes_at, start_at):
        yield violation
    if ends_at is None:
        return
    if mode is not SyncMode.GLOBAL:
        instead = ": give closes_at" if mode is SyncMode.INDIVIDUAL else ""
        yield Violation("ends_at", f"is for global only{instead}", "not_allowed")
        return
    if violation := instant_violation("ends_at", ends_at, now):
        yield violation
    if violation := _order_violation("ends_at", ends_at, start_at):
        yield violation


def _order_violation(field: str, at: Instant | None, start_at: Instant | None) -> Violation | None:
    if at is None or start_at is None or at >= start_at + MIN_AHEAD:
        return None
    return Violation(field, f"must be at least {MIN_AHEAD}ms after start_at", "too_soon")
