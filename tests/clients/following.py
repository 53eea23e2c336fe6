"""Clients that follow sessions of real servers, and what was told to them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import get_args

from synckairos import Event, Session, SyncKairos, Update
from synckairos.api import Token
from synckairos.events import Name
from synckairos.states import Kind

_PATIENCE_S = 10.0


class Watched:
    """A session with everything that it told."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told: list[Event] = []
        self._news = asyncio.Event()
        for name in get_args(Name):
            session.on(name, self._take)

    @property
    def version(self) -> int:
        """The newest; 0 before there is any."""
        return self.session.state["version"] if self.session.state else 0

    @property
    def transport(self) -> tuple[str, Kind | None]:
        """How states come."""
        return self.session.connection.status, self.session.connection.transport

    def sources(self) -> list[str]:
        """Whence its states came."""
        return [event.source for event in self.told if isinstance(event, Update)]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so, which only something that is told can bring about."""
        async with asyncio.timeout(_PATIENCE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def until_version(self, version: int) -> None:
        """Return when it is there, or beyond."""
        await self.until(lambda: self.version >= version)

    async def until_live(self, kind: Kind) -> None:
        """Return when it is followed in that way."""
        await self.until(
            lambda: self.transport == ("polling" if kind == "polling" else "live", kind)
        )

    def _take(self, event: Event) -> None:
        self.told.append(event)
        self._news.set()


@asynccontextmanager
async def watching(
    url: str, session_id: str, transport: Kind | None = None, token: Token = None
) -> AsyncIterator[Watched]:
    """One client that follows one session, to the end of the block."""
    async with SyncKairos(url, token, transport) as client:
        watched = Watched(client.session(session_id))
        await watched.session.open()
        yield watched
