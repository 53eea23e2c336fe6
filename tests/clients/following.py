"""Sessions of the Python client, with a record of their events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import get_args

from synckairos import Event, Session, SyncKairos, Update
from synckairos.api import Token
from synckairos.api_types import TransportName
from synckairos.events import Name

_TIMEOUT_S = 30.0


class RecordedSession:
    """A session and all events that it emitted."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[Event] = []
        self._event_added = asyncio.Event()
        for name in get_args(Name):
            session.on(name, self._record)

    @property
    def version(self) -> int:
        """Version of the newest state; 0 before the first."""
        return self.session.state["version"] if self.session.state else 0

    @property
    def connection(self) -> tuple[str, TransportName | None]:
        """Status and transport of the connection."""
        return self.session.connection.status, self.session.connection.transport

    def sources(self) -> list[str]:
        """Return the sources of its states, in order."""
        return [event.source for event in self.events if isinstance(event, Update)]

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is checked after each event."""
        async with asyncio.timeout(_TIMEOUT_S):
            while not condition():
                self._event_added.clear()
                await self._event_added.wait()

    async def wait_for_version(self, version: int) -> None:
        """Wait for a state of this or a later version."""
        await self.wait_until(lambda: self.version >= version)

    async def wait_for_transport(self, kind: TransportName) -> None:
        """Wait until the session is connected over this transport, or polled."""
        await self.wait_until(
            lambda: self.connection == ("polling" if kind == "polling" else "live", kind)
        )

    async def wait_for_status(self, status: str) -> None:
        """Wait until the connection has this status."""
        await self.wait_until(lambda: self.connection[0] == status)

    def _record(self, event: Event) -> None:
        self.events.append(event)
        self._event_added.set()


@asynccontextmanager
async def followed_session(
    url: str, session_id: str, transport: TransportName | None = None, token: Token = None
) -> AsyncIterator[RecordedSession]:
    """Open one session with a new client for the duration of the block."""
    async with SyncKairos(url, token, transport) as client:
        recorded = RecordedSession(client.session(session_id))
        await recorded.session.open()
        yield recorded
