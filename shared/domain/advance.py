"""Let time pass in a test session, as if it had waited.

What is due on the way happens at its own instant, in the same order as without an advance. At each
of these instants the session's virtual clock stands exactly there. The advance itself is a version,
but changes nothing else: neither anchors nor `updated_at`.
"""

from collections.abc import Iterator

from shared.domain.changes import change
from shared.domain.commands import Advance
from shared.domain.errors import NothingDue, NotTestSession, RuleViolation, Violation
from shared.domain.events import EventType, SessionChange, SessionStep
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.timekeeping import at_time, next_wakeup
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.domain.values import replace
from shared.domain.virtual_clock import MAX_ADVANCE, MAX_ADVANCED, VirtualClock


def advance(session: Session, command: Advance, now: Instant, most: int) -> list[SessionStep]:
    """Return what happens from `now` to the end of the advance, and last the advance itself.

    `session` must be settled up to `now`. If more than `most` changes and notices are due on the
    way, the advance ends at the last one of them. Raises `NotTestSession`, `NothingDue`, and
    `RuleViolation` if the advance is too long or would go back.
    """
    clock = session.virtual_clock
    if clock is None:
        raise NotTestSession
    end = _end_of(session, clock, command, now)
    steps: list[SessionStep] = []
    reached = now
    for at, step in _steps_until(session, now, end):
        if len(steps) == most:
            break
        steps.append(step)
        reached = at
    else:
        reached = end
    last = steps[-1].session if steps else session
    by_ms, left_ms = elapsed_between(now, reached), elapsed_between(reached, end)
    moved = VirtualClock(Millis(clock.advanced_ms + by_ms), left_ms)
    return [*steps, _advanced(last, moved, reached, by_ms)]


def _advanced(session: Session, moved: VirtualClock, now: Instant, by_ms: Millis) -> SessionChange:
    """Return the advance that ended at `now`."""
    facts = {"by_ms": by_ms, "advanced_ms": moved.advanced_ms, "left_ms": moved.left_ms}
    shown = at_time(session, now)
    made = change(EventType.SESSION_ADVANCED, session, now, before=shown, metadata=facts)
    after = replace(made.session, updated_at=session.updated_at, virtual_clock=moved)
    return replace(made, session=after)


def _steps_until(
    session: Session, now: Instant, end: Instant
) -> Iterator[tuple[Instant, SessionStep]]:
    """Yield what happens after `now` without a command, each with the instant at which it does."""
    while now < end:
        due = next_wakeup(session)
        at = end if due is None or due <= now else min(due, end)
        session, now = _at(session, now, at), at
        for step in settle(session, at):
            yield at, step
            session = step.session


def _at(session: Session, now: Instant, at: Instant) -> Session:
    """Return the session with its virtual clock moved from `now` to `at`."""
    clock = session.virtual_clock or VirtualClock()
    moved = Millis(clock.advanced_ms + elapsed_between(now, at))
    return replace(session, virtual_clock=VirtualClock(moved))


def _end_of(session: Session, clock: VirtualClock, command: Advance, now: Instant) -> Instant:
    """Return the instant at which the advance ends if nothing stops it."""
    if command.by_ms is not None:
        field, end = "ms", after(now, command.by_ms)
    elif command.to is not None:
        field, end = "to", command.to
    elif (due := next_wakeup(session)) is not None:
        field, end = "until", max(now, due)
    else:
        raise NothingDue
    if end < now:
        raise RuleViolation(Violation(field, "is in the session's past", "too_soon"))
    by_ms = elapsed_between(now, end)
    if by_ms > MAX_ADVANCE:
        message = f"cannot advance the session by more than {MAX_ADVANCE}ms at once"
        raise RuleViolation(Violation(field, message, "too_big"))
    if clock.advanced_ms + by_ms > MAX_ADVANCED:
        message = f"cannot advance the session by more than {MAX_ADVANCED}ms in all"
        raise RuleViolation(Violation(field, message, "too_big"))
    return end
