"""What pushes need from outside: a place that remembers those which couldn't be made."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.units import Instant, Millis


class PushFailed(Exception):
    """A push didn't go out, or nobody can say whether it did; the message says why."""


@dataclass(frozen=True, slots=True)
class OwedPush:
    """Those who follow the session of that name may not know how it stands.

    They are to be told at `due_at`; that was tried `tries` times since its last push failed.
    """

    name: str
    due_at: Instant
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """Owed pushes that are the taker's own for a while, and how long until another is due.

    `next_in_ms` is None where no other is owed.
    """

    pushes: tuple[OwedPush, ...]
    next_in_ms: Millis | None


class OwedPushes(Protocol):
    """Sessions whose newest push failed, each once. Every method raises `StoreUnavailable`."""

    async def add(self, name: str) -> bool:
        """Owe a push of that session, to be tried in about a second as if for the first time.

        Returns whether none was owed already.
        """

    async def take(self, limit: int) -> Taken:
        """Those that are due, at most `limit`. Nobody else gets them meanwhile.

        What the taker neither settles nor postpones is due again some seconds later.
        """

    async def settle(self, taken: OwedPush) -> None:
        """Owe it no more, unless the session's push has failed again since it was taken."""

    async def postpone(self, taken: OwedPush, until: Instant) -> None:
        """Have it due at `until`, unless the session's push has failed again meanwhile."""
