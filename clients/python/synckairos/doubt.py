"""When to check that the state is still the newest. All in ms."""

from synckairos.states import Kind

IN_DOUBT_MS = 10_000.0
_DOUBTFUL_MS, _CALM_MS, _HEARTBEAT_MS = 700.0, 15_000.0, 10_000.0
_SPARING_MS = 3_000.0
_FEW_REQUESTS = 20


class Doubt:
    """Says how often to check the state, since a push may be lost without a later one showing it.

    Checks are frequent for a while after joining and after each sign that a push was lost or came
    out of order, and rare otherwise.
    """

    def __init__(self) -> None:
        self._since = self._until = 0.0
        self._confirmed_at = 0.0
        self._asked_at = float("-inf")
        self.requests_left: int | None = None
        """The rest of the caller's rate limit, from the last response."""

    def begin(self, now: float) -> None:
        """Check often from `now` on: the connection is new, or a push may be lost."""
        if now >= self._until:
            self._since = now
        self._until = now + IN_DOUBT_MS

    def confirmed(self, now: float) -> None:
        """Record that the state was the server's newest at `now`."""
        self._confirmed_at = max(self._confirmed_at, now)

    def asked(self, now: float) -> None:
        """Record a check by a request that counts against the rate limit."""
        self._asked_at = now

    @property
    def is_sparing(self) -> bool:
        """Whether the rate limit is almost used up."""
        return self.requests_left is not None and self.requests_left < _FEW_REQUESTS

    def spared(self, due: float) -> float:
        """Return `due`, or a later instant if the rate limit is almost used up."""
        return max(due, self._asked_at + _SPARING_MS) if self.is_sparing else due

    def confirm_at(self, kind: Kind, now: float) -> float:
        """Return when to check the state if nothing confirms it before."""
        if now < self._until:
            return max(self._since, self._confirmed_at) + _DOUBTFUL_MS
        return self._confirmed_at + (_HEARTBEAT_MS if kind == "websocket" else _CALM_MS)
