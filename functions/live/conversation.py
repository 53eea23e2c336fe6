"""What a live connection says, whatever carries it."""

from contextlib import suppress
from dataclasses import dataclass

from shared.clock import StoreClock
from shared.errors import SessionNotFound, StoreUnavailable
from shared.realtime import messages
from shared.realtime.listener import LOST, Listener, Push
from shared.session_service import SessionService


@dataclass(frozen=True, slots=True)
class Conversation:
    """One client following one session."""

    session_id: str
    service: SessionService
    clock: StoreClock
    listener: Listener

    def greet(self) -> None:
        """Say that pushes will come from now on."""
        self.listener.put(Push.of(messages.connected(self.session_id, self.clock.now())))

    async def send_state(self) -> None:
        """Queue the whole state. Raises `SessionNotFound` and `StoreUnavailable`.

        A push may have overtaken the read; the second one is at least as new. If it isn't, the
        store forgot the session that the push was of.
        """
        session, now = await self.service.read(self.session_id)
        if session.version < self.listener.newest_version:
            session, now = await self.service.read(self.session_id)
        self.listener.put(Push.of(messages.state_sync(session, now)))

    async def offer_state(self) -> None:
        """Queue the whole state if there is one to be had; a lobby waits for its session."""
        with suppress(SessionNotFound, StoreUnavailable):
            await self.send_state()

    async def next(self) -> Push:
        """The next push to send; a gap is closed with the state as it stands."""
        while (push := await self.listener.get()) is LOST:
            await self.offer_state()
        return push

    async def pong(self, client_timestamp: object) -> None:
        """Answer a ping."""
        answer = messages.pong(self.session_id, self.clock.now(), client_timestamp)
        await self.listener.reply(Push.of(answer))

    async def complain(self, code: str, message: str) -> None:
        """Say what was wrong; the connection lives on."""
        await self.listener.reply(Push.of(messages.error(self.clock.now(), code, message)))
