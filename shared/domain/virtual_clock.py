"""The virtual clock of a test session.

Each instant that a session shows is its own time. In a test session that is the time of the store
plus what the session was advanced by; in every other session both are the same.
"""

from shared.domain.units import DAY, Millis
from shared.domain.values import Value

MAX_ADVANCE = Millis(30 * DAY)
"""The most by which one request advances a test session."""

MAX_ADVANCED = Millis(365 * DAY)
"""The most by which a test session is advanced in all."""


class VirtualClock(Value, frozen=True):
    """The virtual clock of a test session, which has been advanced by `advanced_ms` in all.

    The last advance stopped `left_ms` before its end, because more changes were due on the way than
    one request makes.
    """

    advanced_ms: Millis = Millis(0)
    left_ms: Millis = Millis(0)
