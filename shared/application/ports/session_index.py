"""Interface of the lists of sessions: which sessions the store has, newest first."""

from collections.abc import Collection, Sequence
from typing import Protocol

from shared.application.ports.listed_sessions import (
    ListedSession,
    ListPosition,
    ListScope,
    ListSpan,
)
from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.domain.values import Value


class IndexPage(Value, frozen=True):
    """A page of a list, newest first, and the states of the limits that were counted with it."""

    positions: list[ListPosition]
    quotas: tuple[RateLimitState, ...] = ()


class SessionIndex(Protocol):
    """The sessions that the store has. Every method raises `StoreUnavailable`."""

    async def newest(
        self,
        scope: ListScope,
        span: ListSpan,
        *,
        include_ended: bool = True,
        limits: Sequence[RateLimit] = (),
    ) -> IndexPage:
        """Return the sessions of this part of the list, and count a request for `limits`.

        One round trip, with one command for each shard, or two with ended sessions. Sessions that
        have just expired may be among them.
        """

    async def sessions(self, names: Collection[str]) -> dict[str, ListedSession | None]:
        """Return the named sessions that the store has, by name; None stands for a deleted one.

        One round trip, with one command for each session.
        """
