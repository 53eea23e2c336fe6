"""The command that adds time to several clocks or sets them, and the clocks that it means."""

from enum import StrEnum

from shared.domain.units import Millis
from shared.domain.values import Value


class ClockScope(StrEnum):
    """The clocks of a session that a command can mean without naming their owners."""

    ALL = "all"
    SESSION = "session"
    CYCLE = "cycle"


class ClockTarget(Value, frozen=True):
    """The clocks to adjust: those of a scope, or those of the named participants or groups.

    Exactly one of the three is given.
    """

    scope: ClockScope | None = None
    participants: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


EVERY_CLOCK = ClockTarget(ClockScope.ALL)


class AdjustClocks(Value, frozen=True):
    """Add `add_ms` to clocks or set them to `set_ms`, all at one instant.

    Exactly one of the two is given. `reopen` lets an expired session run again. With `scaled` each
    participant in `individual` gets the time times its factor, rounded down to ms.
    """

    to: ClockTarget = EVERY_CLOCK
    add_ms: Millis | None = None
    set_ms: Millis | None = None
    reason: str | None = None
    reopen: bool = False
    scaled: bool = False
