"""Retry state of sessions whose audit entries fail while the entries of others are written."""

import time
from dataclasses import dataclass

_FIRST_DELAY_S = 1.0
_MAX_DELAY_S = 60.0
_MAX_SESSIONS = 10_000
"""Sessions whose retry state is kept; beyond that, the oldest states are dropped."""


@dataclass(slots=True)
class RetryState:
    """Retry state of one session: when its entries first failed and when to retry (monotonic s),
    tries of the current entry, and entries that became dead letters so far."""

    since: float
    retry_at: float
    tries: int = 0
    dead_letters: int = 0


class RetrySchedule:
    """The sessions that wait for a retry; the entries of all others are written meanwhile.

    All times are in s, by the monotonic clock.
    """

    def __init__(self) -> None:
        self._by_session: dict[str, RetryState] = {}

    def __len__(self) -> int:
        return len(self._by_session)

    def of(self, name: str) -> RetryState | None:
        """Return the retry state of a session, if it has one."""
        return self._by_session.get(name)

    def block(self, name: str, since: float) -> bool:
        """Return whether a session must be skipped in the round that began at `since`."""
        state = self._by_session.get(name)
        return state is not None and state.retry_at > since

    def has_due(self) -> bool:
        """Return whether the retry of any session is due."""
        now = time.monotonic()
        return any(state.retry_at <= now for state in self._by_session.values())

    def schedule_retry(self, name: str) -> RetryState:
        """Schedule a retry of the session, with exponential back-off."""
        now = time.monotonic()
        if len(self._by_session) >= _MAX_SESSIONS:
            self._by_session.pop(next(iter(self._by_session)))
        state = self._by_session.setdefault(name, RetryState(now, now))
        state.tries += 1
        state.retry_at = now + _delay_s(state.tries)
        return state

    def go_on(self, name: str) -> None:
        """Schedule the next entry after the failed one became a dead letter; it gets one try."""
        state = self._by_session[name]
        state.tries -= 1
        state.dead_letters += 1
        state.retry_at = time.monotonic() + _delay_s(state.dead_letters)

    def forget(self, name: str) -> None:
        """Drop the session's retry state, because its entries are written again."""
        self._by_session.pop(name, None)

    def forget_due(self, since: float) -> None:
        """Drop the states that were due in the round since `since`: they have no entries left."""
        due = [name for name, state in self._by_session.items() if state.retry_at <= since]
        for name in due:
            self.forget(name)


def _delay_s(times: int) -> float:
    return min(_MAX_DELAY_S, _FIRST_DELAY_S * 2.0 ** (times - 1))
