"""How often to check that the state is still the newest. All in ms."""

from synckairos.states import Kind

_FREQUENT_FOR_MS = 10_000.0
_FREQUENT_EVERY_MS, _CALM_EVERY_MS, _PING_EVERY_MS = 700.0, 15_000.0, 10_000.0
_LOW_QUOTA_EVERY_MS = 3_000.0
_LOW_QUOTA = 20


class CheckInterval:
    """Says how often to check the state, since a push may be lost without a later one showing it.

    Checks are frequent for a while after joining and after each sign that a push was lost or came
    out of order, and rare otherwise.
    """

    def __init__(self) -> None:
        self._frequent_since = self._frequent_until = 0.0
        self._confirmed_at = 0.0
        self._requested_at = float("-inf")
        self.requests_left: int | None = None
        """The rest of the caller's rate limit, from the last response."""

    def check_often(self, now: float) -> None:
        """Check often from `now` on: the connection is new, or a push may be lost."""
        if now >= self._frequent_until:
            self._frequent_since = now
        self._frequent_until = now + _FREQUENT_FOR_MS

    def confirmed(self, now: float) -> None:
        """Record that the state was the server's newest at `now`."""
        self._confirmed_at = max(self._confirmed_at, now)

    def requested(self, now: float) -> None:
        """Record a check by a request that counts against the rate limit."""
        self._requested_at = now

    @property
    def is_quota_low(self) -> bool:
        """Whether the rate limit is almost used up."""
        return self.requests_left is not None and self.requests_left < _LOW_QUOTA

    def postponed(self, due: float) -> float:
        """Return `due`, or a later instant if the rate limit is almost used up."""
        return max(due, self._requested_at + _LOW_QUOTA_EVERY_MS) if self.is_quota_low else due

    def due(self, kind: Kind, now: float) -> float:
        """Return when to check the state if nothing confirms it before."""
        if now < self._frequent_until:
            return max(self._frequent_since, self._confirmed_at) + _FREQUENT_EVERY_MS
        return self._confirmed_at + (_PING_EVERY_MS if kind == "websocket" else _CALM_EVERY_MS)
