"""The load that a session's automatic changes put on the service."""

from math import ceil

from shared.domain.clocks import clocks_of
from shared.domain.errors import RuleViolation, Violation
from shared.domain.schedule import starts_at
from shared.domain.scheduling import outcome
from shared.domain.session import Session, Status

_MIN_PARTICIPANTS = 8
"""Fewer participants count as this many, because each change has a fixed cost."""

UNIT = 1000
"""Loads are integers, in thousandths."""


def automatic_load(session: Session) -> int:
    """Return participants (at least 8) times automatic changes per second, times 1000.

    Warnings count as changes. The load is 0 if the session has ended or no cycle begins without a
    command. Sessions that aren't running count as if they were.
    """
    advances = session.auto_advances or session.programme is not None
    if not advances or session.status.is_terminal:
        return 0
    lengths = clocks_of(session).automatic_cycle_lengths(session)
    if not lengths:
        return 0
    warnings = sum(
        0 <= threshold < length for length in lengths for threshold in session.warn_at_ms
    )
    size = max(_MIN_PARTICIPANTS, len(session.participants))
    return ceil(size * (len(lengths) + warnings) * 1000 * UNIT / sum(lengths))


def current_load(session: Session) -> int:
    """Return the load of a session that runs, or will start without a command; else 0.

    A start without a command can't be refused, so its load counts before; so does the load after a
    scheduled command.
    """
    is_counted = session.status is Status.RUNNING or starts_at(session) is not None
    load, ahead = automatic_load(session) if is_counted else 0, outcome(session)
    if ahead is None or ahead.status is not Status.RUNNING:
        return load
    return max(load, automatic_load(ahead))


def check_load_limit(session: Session, field: str, most: int) -> None:
    """Raise `RuleViolation`, naming `field`, if the load exceeds `most` (not in thousandths).

    The cost of a change grows with the number of participants. Without this limit, one request
    could keep an instance and its stores busy indefinitely.
    """
    found = automatic_load(session)
    if found <= most * UNIT:
        return
    message = (
        f"participants times automatic changes a second cannot exceed {most}, and would be"
        f" {found / UNIT:.0f}: use fewer participants, longer cycles or fewer warnings"
    )
    raise RuleViolation(Violation(field, message, "too_busy"))
