"""When a follower reads the session, pings or reconnects. All in ms."""

from synckairos.backoff import Random, backoff, spread
from synckairos.check_interval import CheckInterval
from synckairos.effects import Effect, Ping, Read, Reconnect
from synckairos.session_clocks import is_terminal
from synckairos.states import Kind, SessionState, instant_ms

_POLL_EVERY_MS, _POLL_ENDED_MS, _POLL_ABSENT_MS = 850.0, 20_000.0, 2_000.0
"""Poll intervals without pushes: of a session, of one that has ended, of one that doesn't exist."""

_JOIN_WAIT_MS, _SYNC_WAIT_MS = 300.0, 150.0
"""Delays before the first read: for a transport to join, then for it to send the state."""

_DEADLINE_POLLED_MS, _DEADLINE_PUSHED_MS = 60.0, 300.0
"""When to read after a deadline: without pushes, and with them (the push is lost by then)."""

_PONG_TIMEOUT_MS, _DEAD_AFTER_MS = 700.0, 5_000.0
"""Timeouts of a ping: after the first, read the session; after the second, reconnect."""

_NEVER = float("inf")


class StateCheck:
    """Allows one read and one ping at a time."""

    def __init__(self, rng: Random) -> None:
        self.interval = CheckInterval()
        self._rng = rng
        self._kind: Kind = "polling"
        self._read_at = _NEVER
        self._gap_at = _NEVER
        self._is_reading = False
        self._pinged_at: float | None = None
        self._silent_since: float | None = None
        self._failures = 0
        self._poll_at = 0.0
        self._deadline_read: str | None = None

    @property
    def is_pushed(self) -> bool:
        """Whether a transport is live."""
        return self._kind != "polling"

    def joined(self, kind: Kind, now: float) -> None:
        """A transport is live. Read the session, unless the transport sends its state soon."""
        self._kind, self._failures = kind, 0
        self.ponged()
        self.interval.check_often(now)
        self.interval.confirmed(now)
        self._read_at = now if kind == "supabase" else now + _SYNC_WAIT_MS

    def left(self, now: float, *, at_once: bool) -> None:
        """No transport is live."""
        self._kind = "polling"
        self.ponged()
        self._poll_at = now + (0.0 if at_once else _JOIN_WAIT_MS)

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
        self.interval.confirmed(now)
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
        every = (
            _POLL_ABSENT_MS
            if state is None
            else _POLL_ENDED_MS
            if is_terminal(state)
            else _POLL_EVERY_MS
        )
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
        if self._pinged_at is not None and now >= self._pinged_at + _PONG_TIMEOUT_MS:
            if self._silent_since is None:
                self._silent_since = self._pinged_at
            self._pinged_at, self._read_at = None, now
            self.interval.check_often(now)
        if not self._is_reading and self._read_due(state, now, server_now) <= now:
            return self._read(state, now, server_now)
        if not self._is_reading and self._ping_due(state, now) <= now:
            self._pinged_at = now
            return [Ping()]
        return []

    def due(self, state: SessionState | None, now: float, server_now: float) -> float:
        """Return when the next request is due."""
        if self._is_reading:
            return self._dead_due
        pong_due = _NEVER if self._pinged_at is None else self._pinged_at + _PONG_TIMEOUT_MS
        asks = min(self._read_due(state, now, server_now), self._ping_due(state, now))
        return min(asks, pong_due, self._dead_due)

    def _read(self, state: SessionState | None, now: float, server_now: float) -> list[Effect]:
        if state and state["deadline_at"] and _until(state, server_now) <= 0:
            self._deadline_read = state["deadline_at"]
        self._is_reading, self._read_at, self._gap_at = True, _NEVER, _NEVER
        self.interval.requested(now)
        return [Read()]

    @property
    def _dead_due(self) -> float:
        return _NEVER if self._silent_since is None else self._silent_since + _DEAD_AFTER_MS

    def _ping_due(self, state: SessionState | None, now: float) -> float:
        if self._kind != "websocket" or self._pinged_at is not None or state is None:
            return _NEVER
        return self.interval.due(self._kind, now)

    def _read_due(self, state: SessionState | None, now: float, server_now: float) -> float:
        if self._failures:  # respect the backoff, whatever else is due
            return self._read_at
        at = min(self._read_at, self._gap_at, self._deadline_due(state, now, server_now))
        if not self.is_pushed or state is None:
            at = min(at, self._poll_at)
        elif self._kind != "websocket":
            at = min(at, self.interval.due(self._kind, now))
        return self.interval.postponed(at)

    def _deadline_due(self, state: SessionState | None, now: float, server_now: float) -> float:
        """Return when to read because of the deadline; each deadline causes one read."""
        if state is None or not state["deadline_at"] or state["deadline_at"] == self._deadline_read:
            return _NEVER
        delay = _DEADLINE_PUSHED_MS if self.is_pushed else _DEADLINE_POLLED_MS
        return now + _until(state, server_now) + delay


def _until(state: SessionState, server_now: float) -> float:
    assert state["deadline_at"]
    return instant_ms(state["deadline_at"]) - server_now
