"""How much a session that advances by itself gives the service to do."""

from math import ceil

from shared.domain.clocks import clocks_of
from shared.domain.errors import RuleViolation, Violation
from shared.domain.session import Session, Status

_LEAST_SIZE = 8
"""In participants: what a change costs however few take part."""

UNIT = 1000
"""Loads are counted in thousandths."""


def load(session: Session) -> int:
    """Participants (at least 8) times the changes a second that come without a command, times 1000.

    A warning is counted as a change. It is 0 where nothing follows a clock at zero by itself. A
    session that doesn't run is counted as if it did.
    """
    if not session.advances_itself or session.status.is_terminal:
        return 0
    lengths = clocks_of(session).cycle_lengths(session)
    if not lengths:
        return 0
    warnings = sum(threshold < length for length in lengths for threshold in session.warn_at_ms)
    size = max(_LEAST_SIZE, len(session.participants))
    return ceil(size * (len(lengths) + warnings) * 1000 * UNIT / sum(lengths))


def present_load(session: Session) -> int:
    """The load while it runs; 0 while it doesn't."""
    return load(session) if session.status is Status.RUNNING else 0


def require_bounded(session: Session, field: str, most: int) -> None:
    """Raises `RuleViolation`, which names `field`, where the load is above `most` times 1000.

    The cost of each change grows with the number of participants: without a bound one request
    could keep an instance and its stores busy for good.
    """
    found = load(session)
    if found <= most * UNIT:
        return
    message = (
        f"participants times automatic changes a second cannot exceed {most}, and would be"
        f" {found / UNIT:.0f}: let fewer take part, make cycles longer or warn less often"
    )
    raise RuleViolation(Violation(field, message, "too_busy"))
