"""Sessions whose next audit entry failed alone, while the database took those of others."""

import time
from dataclasses import dataclass

_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0
_MOST = 10_000
"""So many are remembered; the oldest are tried again as if they were new."""


@dataclass(slots=True)
class Setback:
    """Since when a session's entries fail, when the next is tried (monotonic seconds), how often it
    was tried, and how many were parked."""

    since: float
    retry_at: float
    tries: int = 0
    parked: int = 0


class Setbacks:
    """Which sessions wait to be tried again, so that the others go on past them."""

    def __init__(self) -> None:
        self._by_session: dict[str, Setback] = {}

    def __len__(self) -> int:
        return len(self._by_session)

    def of(self, name: str) -> Setback | None:
        """The setback of a session, if it has one."""
        return self._by_session.get(name)

    def block(self, name: str, since: float) -> bool:
        """Whether a session isn't to be tried in a round that began at `since`."""
        setback = self._by_session.get(name)
        return setback is not None and setback.retry_at > since

    def has_due(self) -> bool:
        """Whether any session is to be tried now."""
        now = time.monotonic()
        return any(setback.retry_at <= now for setback in self._by_session.values())

    def put_off(self, name: str) -> Setback:
        """Have the session tried again later, and later each time."""
        now = time.monotonic()
        if len(self._by_session) >= _MOST:
            self._by_session.pop(next(iter(self._by_session)))
        setback = self._by_session.setdefault(name, Setback(now, now))
        setback.tries += 1
        setback.retry_at = now + _delay_s(setback.tries)
        return setback

    def go_on(self, name: str) -> None:
        """The entry that failed is parked: have the next one tried soon, but only once."""
        setback = self._by_session[name]
        setback.tries -= 1
        setback.parked += 1
        setback.retry_at = time.monotonic() + _delay_s(setback.parked)

    def forget(self, name: str) -> None:
        """The session's entries are written again."""
        self._by_session.pop(name, None)

    def forget_due(self, since: float) -> None:
        """A round that began at `since` has ended: what was due and didn't come is gone."""
        due = [name for name, setback in self._by_session.items() if setback.retry_at <= since]
        for name in due:
            self.forget(name)


def _delay_s(times: int) -> float:
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** (times - 1))
