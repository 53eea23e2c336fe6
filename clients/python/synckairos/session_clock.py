"""The time of a session: the server's, or in a test session what that was advanced by more.

Nothing else in the library knows that the two may differ.
"""

from collections.abc import Callable

from synckairos.api_types import SessionState
from synckairos.clock import ServerClock


class SessionClock:
    """A session's own clock, as of the newest state that `read_state` returns.

    All instants of a session are on this clock. `server` is the server's clock, which measures.
    """

    def __init__(self, server: ServerClock, read_state: Callable[[], SessionState | None]) -> None:
        self.server = server
        self._read_state = read_state

    def now(self) -> float:
        """Return the session's time, ms since 1970."""
        state = self._read_state()
        return self.server.now() + (_advanced_ms(state) if state else 0)

    @property
    def error_ms(self) -> float:
        """Upper bound of the error of `now()`; infinite while it is unknown."""
        return self.server.error_ms

    @property
    def is_synced(self) -> bool:
        """Whether `error_ms` is known."""
        return self.server.is_synced


def server_time_of(state: SessionState) -> float:
    """Return the server's time at which it wrote `state`, ms since 1970."""
    return state["server_time_ms"] - _advanced_ms(state)


def _advanced_ms(state: SessionState) -> int:
    return state.get("advanced_ms", 0)
