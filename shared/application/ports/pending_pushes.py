"""Interface of the store that keeps failed pushes for a retry."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.units import Instant, Millis


class PushFailed(Exception):
    """A push failed, or its outcome is unknown. The message says why."""


@dataclass(frozen=True, slots=True)
class PendingPush:
    """A session whose followers may have missed a push, to be pushed again at `due_at`.

    `tries` is the number of retries since its last push failed.
    """

    name: str
    due_at: Instant
    tries: int = 0


@dataclass(frozen=True, slots=True)
class ClaimedPushes:
    """Pending pushes that were claimed, and the time until another one is due.

    `next_in_ms` is None if no other push is pending.
    """

    pushes: tuple[PendingPush, ...]
    next_in_ms: Millis | None


class PendingPushes(Protocol):
    """The set of sessions whose newest push failed. Every method raises `StoreUnavailable`."""

    async def add(self, name: str) -> bool:
        """Add the session, due in about a second, with its number of tries reset.

        Returns whether it was not in the set before.
        """

    async def take(self, limit: int) -> ClaimedPushes:
        """Claim at most `limit` due pushes, so that no other worker gets them.

        A claim expires after some seconds; a push that is neither settled nor postponed by then is
        due again.
        """

    async def settle(self, taken: PendingPush) -> None:
        """Remove the session, unless a push of it has failed again since `take`."""

    async def postpone(self, taken: PendingPush, until: Instant) -> None:
        """Make the session due at `until`, unless a push of it has failed again since `take`."""
