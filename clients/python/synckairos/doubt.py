"""Whether a transport can be believed, and when to make sure. All in ms."""

from synckairos.states import Kind

IN_DOUBT_MS = 10_000.0
_DOUBTFUL_MS, _CALM_MS, _HEARTBEAT_MS = 700.0, 15_000.0, 10_000.0
_SPARING_MS = 3_000.0
_FEW_REQUESTS = 20


class Doubt:
    """A push may be lost, and no later one may tell of it.

    So a state is confirmed: often from joining, and from each sign that something was lost or came
    out of order; now and then when there was no such sign for a while.
    """

    def __init__(self) -> None:
        self._since = self._until = 0.0
        self._confirmed_at = 0.0
        self._asked_at = float("-inf")
        self.requests_left: int | None = None
        """Of the caller's rate limit, as the last answer said."""

    def begin(self, now: float) -> None:
        """A sign of trouble, or a fresh connection."""
        if now >= self._until:
            self._since = now
        self._until = now + IN_DOUBT_MS

    def confirmed(self, now: float) -> None:
        """The state is the server's as of `now`."""
        self._confirmed_at = max(self._confirmed_at, now)

    def asked(self, now: float) -> None:
        """A confirmation was asked for by a request that counts."""
        self._asked_at = now

    @property
    def is_sparing(self) -> bool:
        """Whether requests must be made to last."""
        return self.requests_left is not None and self.requests_left < _FEW_REQUESTS

    def spared(self, due: float) -> float:
        """`due`, or later where requests must be made to last."""
        return max(due, self._asked_at + _SPARING_MS) if self.is_sparing else due

    def confirm_at(self, kind: Kind, now: float) -> float:
        """When the state is to be confirmed if nothing comes until then."""
        if now < self._until:
            return max(self._since, self._confirmed_at) + _DOUBTFUL_MS
        return self._confirmed_at + (_HEARTBEAT_MS if kind == "websocket" else _CALM_MS)
