"""Whether an instance is in use, so that its loops know how often to look at the store."""

import time
from collections.abc import Callable

_REST_AFTER_S = 60.0
_RESTING_INTERVAL_S = 60.0


class Activity:
    """An instance rests after a minute in which nothing has used it.

    Requests, live clients, messages of other instances, entries that wait for the audit trail, and
    clocks that run out soon are use. A resting instance looks at the store once a minute instead
    of several times a second, because most hosted Redis plans count commands. Its loops look again
    at once when use begins.
    """

    def __init__(self) -> None:
        self._used_at = time.monotonic()
        self._wakers: list[Callable[[], None]] = []

    @property
    def is_resting(self) -> bool:
        """Whether nothing has used the instance for a minute."""
        return time.monotonic() - self._used_at > _REST_AFTER_S

    def note(self) -> None:
        """Note that the instance is in use; after a rest, wake its loops."""
        was_resting = self.is_resting
        self._used_at = time.monotonic()
        if was_resting:
            for wake in self._wakers:
                wake()

    def on_begin(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever use begins after a rest."""
        self._wakers.append(wake)

    def interval_s(self, in_use_s: float) -> float:
        """Return the time until the next look, in s: `in_use_s`, or a minute at rest."""
        return _RESTING_INTERVAL_S if self.is_resting else in_use_s
