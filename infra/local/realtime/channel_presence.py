"""How one channel takes part in Presence, as its client has asked for when it joined."""

import time
from collections.abc import Callable
from typing import Any, Self
from uuid import uuid4

_MAX_CALLS = 5
_WINDOW_S = 30.0


class ChannelPresence:
    """A channel's key in the presence of its topic, and the payload that it shows.

    `is_enabled` means that the client takes part: it asked for it, or it has shown itself.
    `payload` is None while it isn't shown.
    """

    def __init__(self, key: str, *, is_enabled: bool) -> None:
        self.key = key
        self.is_enabled = is_enabled
        self.payload: dict[str, Any] | None = None
        self.calls = PresenceCalls()

    @classmethod
    def of(cls, join: Any) -> Self:
        """Return what the payload of a join asks for. Without a key, the server makes one."""
        config = join.get("config") if isinstance(join, dict) else None
        asked = config.get("presence") if isinstance(config, dict) else None
        asked = asked if isinstance(asked, dict) else {}
        return cls(str(asked.get("key") or uuid4()), is_enabled=asked.get("enabled") is True)


class PresenceCalls:
    """Limits how often one channel changes its presence: 5 times in 30 s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = 0.0
        self._calls = 0

    def allow(self) -> bool:
        """Count a call; return False if it is one too many."""
        now = self._clock()
        if now > self._ends:
            self._calls, self._ends = 0, now + _WINDOW_S
        self._calls += 1
        return self._calls <= _MAX_CALLS
