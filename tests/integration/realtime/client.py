"""What a test asks of one of Supabase's own clients, whichever it is."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

_PATIENCE_S = 10.0

Told = dict[str, Any]


class Client(ABC):
    """One client. What happens is told by its first word: `event`, `status`, `answer`, ..."""

    def __init__(self, subscription: Mapping[str, Any]) -> None:
        self._subscription = subscription
        self._told: defaultdict[str, asyncio.Queue[Told]] = defaultdict(asyncio.Queue)

    async def next(self, word: str) -> Told:
        """The next that is told with that word."""
        async with asyncio.timeout(_PATIENCE_S):
            return await self._told[word].get()

    def has_not(self, word: str) -> bool:
        """Whether nothing more was told with that word."""
        return self._told[word].empty()

    async def until_status(self, status: str) -> None:
        """Wait for the channel to be in that status."""
        while (await self.next("status"))["status"] != status:
            pass

    async def message(self, kind: str) -> Told:
        """The next message of ours, which is of that kind."""
        told = await self.next("event")
        assert told["event"] == told["payload"]["type"] == kind, told
        payload: Told = told["payload"]
        return payload

    async def version(self, number: int) -> Told:
        """The first message with a state of that version, or of a later one.

        Pushes go out in the background: those from before a client joined may still reach it.
        """
        while (told := (await self.next("event"))["payload"])["state"]["version"] < number:
            pass
        return dict(told)

    @abstractmethod
    async def join(self, *, private: bool, presence: bool) -> None:
        """Ask to be let in, with the subscription's token."""

    @abstractmethod
    async def set_auth(self, token: str) -> None:
        """Go on with another token."""

    @abstractmethod
    async def send(self, event: str, payload: Told) -> None:
        """Try to tell the others in the topic something."""

    @abstractmethod
    async def track(self, state: Told) -> None:
        """Try to be present."""

    @abstractmethod
    async def leave(self) -> None:
        """Leave the topic."""

    @abstractmethod
    async def close(self) -> None:
        """End it."""

    def _tell(self, told: Told) -> None:
        self._told[next(iter(told))].put_nowait(told)
