"""When to read the session, ping or reconnect, so that the state stays the newest. All in ms."""

from synckairos.api_types import SessionState, TransportName
from synckairos.backoff import Random, backoff, spread
from synckairos.effects import Effect, Ping, Read, Reconnect
from synckairos.session_clocks import due_at, is_terminal
from synckairos.timing import (
    CALM_EVERY_MS,
    DEAD_AFTER_MS,
    DEADLINE_POLLED_MS,
    DEADLINE_PUSHED_MS,
    DEADLINE_REPEAT_MS,
    FREQUENT_EVERY_MS,
    FREQUENT_FOR_MS,
    JOIN_WAIT_MS,
    LOW_QUOTA,
    LOW_QUOTA_EVERY_MS,
    PING_EVERY_MS,
    POLL_ABSENT_MS,
    POLL_EVERY_MS,
    POLL_SELDOM_MS,
    PONG_TIMEOUT_MS,
    SYNC_WAIT_MS,
)

_NEVER = float("inf")


class StateCheck:
    """Allows one read and one ping at a time.

    A push may be lost without a later one that shows it. So checks are frequent for a while after
    joining and after each sign that a push was lost or came out of order, and rare otherwise.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._kind: TransportName = "polling"
        self._frequent_since = self._frequent_until = 0.0
        self._confirmed_at = 0.0
        self._read_started_at = -_NEVER
        self._read_at = _NEVER
        self._gap_at = _NEVER
        self._is_reading = False
        self._pinged_at: float | None = None
        self._silent_since: float | None = None
        self._failures = 0
        self._poll_at = 0.0
        self.rate_limit_remaining: int | None = None
        """The rest of the caller's rate limit, from the last response."""

    @property
    def is_pushed(self) -> bool:
        """Whether a transport is live."""
        return self._kind != "polling"

    def joined(self, kind: TransportName, now: float) -> None:
        """A transport is live. Read the session, unless the transport sends its state soon."""
        self._kind, self._failures = kind, 0
        self.ponged()
        self.check_often(now)
        self.confirmed(now)
        self._read_at = now if kind == "supabase" else now + SYNC_WAIT_MS

    def left(self, now: float, *, at_once: bool) -> None:
        """No transport is live."""
        self._kind = "polling"
        self.ponged()
        self._poll_at = now + (0.0 if at_once else spread(JOIN_WAIT_MS, self._rng))

    def check_often(self, now: float) -> None:
        """Check often from `now` on: the connection is new, or a push may be lost."""
        if now >= self._frequent_until:
            self._frequent_since = now
        self._frequent_until = now + FREQUENT_FOR_MS

    def read_by(self, at: float) -> None:
        """Read at `at`, unless the state is confirmed before."""
        self._read_at = min(self._read_at, at)

    def catch_up_by(self, at: float) -> None:
        """A version is missing: read at `at` at the latest, unless it arrives before."""
        self._gap_at = min(self._gap_at, at)

    def caught_up(self) -> None:
        """No version is missing any more."""
        self._gap_at = _NEVER

    def confirmed(self, now: float) -> None:
        """The state was the server's newest at `now`."""
        self._confirmed_at = max(self._confirmed_at, now)
        self._read_at = _NEVER

    def ponged(self) -> None:
        """The connection responds."""
        self._pinged_at = self._silent_since = None

    def asked(self, now: float) -> None:
        """The transport was asked for the state."""
        self._pinged_at = now

    def read_ended(self, state: SessionState | None, now: float) -> None:
        """A read succeeded; `state` is the state held now."""
        self._is_reading, self._failures = False, 0
        every = POLL_ABSENT_MS if state is None else POLL_EVERY_MS
        if state and is_terminal(state):
            every = POLL_SELDOM_MS
        self._poll_at = now + spread(every, self._rng)

    def read_failed(self, now: float, retry_after_ms: float) -> None:
        """A read failed: repeat it after `retry_after_ms` or the backoff, if that is longer."""
        self._is_reading = False
        self._read_at = now + max(retry_after_ms, backoff(self._failures, self._rng))
        self._failures += 1
        self._poll_at = self._read_at

    def take_due(self, state: SessionState | None, now: float, server_now: float) -> list[Effect]:
        """Return the request that is due, and record it as started."""
        if now >= self._dead_due:
            self.ponged()
            return [Reconnect()]
        if self._pinged_at is not None and now >= self._pinged_at + PONG_TIMEOUT_MS:
            if self._silent_since is None:
                self._silent_since = self._pinged_at
            self._pinged_at, self._read_at = None, now
            self.check_often(now)
        if not self._is_reading and self._read_due(state, now, server_now) <= now:
            self._is_reading, self._read_at, self._gap_at = True, _NEVER, _NEVER
            self._read_started_at = now
            return [Read()]
        if not self._is_reading and self._ping_due(state, now) <= now:
            self._pinged_at = now
            return [Ping()]
        return []

    def due(self, state: SessionState | None, now: float, server_now: float) -> float:
        """Return when the next request is due."""
        if self._is_reading:
            return self._dead_due
        pong_due = _NEVER if self._pinged_at is None else self._pinged_at + PONG_TIMEOUT_MS
        asks = min(self._read_due(state, now, server_now), self._ping_due(state, now))
        return min(asks, pong_due, self._dead_due)

    @property
    def _dead_due(self) -> float:
        return _NEVER if self._silent_since is None else self._silent_since + DEAD_AFTER_MS

    def _ping_due(self, state: SessionState | None, now: float) -> float:
        if self._kind != "websocket" or self._pinged_at is not None or state is None:
            return _NEVER
        return self._check_due(now)

    def _read_due(self, state: SessionState | None, now: float, server_now: float) -> float:
        if self._failures:  # respect the backoff, whatever else is due
            return self._read_at
        at = min(self._read_at, self._gap_at, self._deadline_due(state, now, server_now))
        if not self.is_pushed or state is None:
            at = min(at, self._poll_at)
        elif self._kind != "websocket":
            at = min(at, self._check_due(now))
        remaining = self.rate_limit_remaining
        if remaining is not None and remaining < LOW_QUOTA:
            return max(at, self._read_started_at + LOW_QUOTA_EVERY_MS)
        return at

    def _check_due(self, now: float) -> float:
        """Return when to check the state if nothing confirms it before."""
        if now < self._frequent_until:
            return max(self._frequent_since, self._confirmed_at) + FREQUENT_EVERY_MS
        every = PING_EVERY_MS if self._kind == "websocket" else CALM_EVERY_MS
        return self._confirmed_at + every

    def _deadline_due(self, state: SessionState | None, now: float, server_now: float) -> float:
        """Return when to read because of a deadline or a start.

        It is repeated at intervals until a state shows it.
        """
        at = state and due_at(state)
        if at is None:
            return _NEVER
        delay = DEADLINE_PUSHED_MS if self.is_pushed else DEADLINE_POLLED_MS
        due = now + at - server_now + delay
        return due if self._read_started_at < due else self._read_started_at + DEADLINE_REPEAT_MS
