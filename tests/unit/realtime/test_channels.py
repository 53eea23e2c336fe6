"""The connection on which an instance listens is replaced when it is of no use, and only then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.realtime.echo import Echo
from shared.realtime.listener import LOST
from shared.realtime.redis import _CHECK_INTERVAL_S, Handler, PushChannels
from shared.tasks import end

_ECHO = "echo"


class Line:
    """A connection that confirms every channel, and says nothing else of itself."""

    def __init__(self, handler: Handler, *, answers_pings: bool) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard_at = 0.0
        self.pings = 0
        self.is_closed = False
        self.handler = handler
        self._answers_pings = answers_pings

    def subscribe(self, channels: object) -> None:
        assert isinstance(channels, list)
        for channel in channels:
            self.say(b"subscribe", channel)

    def unsubscribe(self, channels: object) -> None: ...

    def ping(self) -> None:
        self.pings += 1
        if self._answers_pings:
            self.heard_at += 1

    def say(self, kind: bytes, channel: str, message: bytes = b"") -> None:
        self.heard_at += 1
        self.handler(kind, channel, message)

    async def close(self) -> None:
        self.is_closed = True


class Exchange:
    """Opens connections, and lists them."""

    def __init__(self, *, answers_pings: bool = True) -> None:
        self.lines: list[Line] = []
        self._answers_pings = answers_pings
        self._opened = asyncio.Event()

    async def open(self, handler: Handler) -> Line:
        self.lines.append(Line(handler, answers_pings=self._answers_pings))
        self._opened.set()
        return self.lines[-1]

    async def until(self, count: int) -> None:
        """Return when so many have been opened."""
        async with asyncio.timeout(5):
            while len(self.lines) < count:
                self._opened.clear()
                await self._opened.wait()


@asynccontextmanager
async def listening(exchange: Exchange, echo: Echo | None = None) -> AsyncIterator[PushChannels]:
    """Channels named as their sessions, on connections of that exchange."""
    channels = PushChannels(exchange.open, lambda name: name, echo=echo)
    task = asyncio.create_task(channels.run())
    await exchange.until(1)
    yield channels
    await end([task])


async def test_a_quiet_connection_that_answers_pings_is_kept() -> None:
    exchange = Exchange()
    async with listening(exchange):
        await asyncio.sleep(15 * _CHECK_INTERVAL_S)
        assert exchange.lines[0].pings > 1
        assert len(exchange.lines) == 1


async def test_a_connection_that_answers_no_pings_is_replaced_and_the_gap_is_told() -> None:
    exchange = Exchange(answers_pings=False)
    async with listening(exchange) as channels, channels.listen("one") as listener:
        await exchange.until(2)
        async with asyncio.timeout(5):
            assert await listener.get() is LOST
        assert exchange.lines[0].is_closed


async def test_a_connection_that_ends_is_replaced() -> None:
    exchange = Exchange()
    async with listening(exchange):
        exchange.lines[0].ended.set_result(None)
        await exchange.until(2)


async def test_a_push_reaches_its_listener_while_it_is_read() -> None:
    exchange, sent = Exchange(), list[str]()
    async with listening(exchange) as channels, channels.listen("one") as listener:
        getting = asyncio.create_task(listener.get())
        await asyncio.sleep(0)
        listener.carry = lambda push: not sent.append(push.type)  # type: ignore[func-returns-value]
        exchange.lines[0].say(b"message", "one", b'{"type":"STATE_UPDATE"}')
        assert sent == ["STATE_UPDATE"]
        getting.cancel()


async def test_an_echo_that_stays_away_replaces_the_connection() -> None:
    exchange = Exchange()

    async def publish(_: str) -> None: ...

    async with listening(exchange, Echo(_ECHO, publish)):
        await exchange.until(2)


async def test_an_echo_that_is_read_late_replaces_nothing() -> None:
    """Where this process stood still, what Redis sent meanwhile is read in the next turn."""
    exchange, published = Exchange(), asyncio.Event()

    async def publish(_: str) -> None:
        published.set()

    echo = Echo(_ECHO, publish)
    async with listening(exchange, echo):
        async with asyncio.timeout(5):
            await published.wait()
        loop = asyncio.get_running_loop()
        while not echo.is_missing():
            await asyncio.sleep(_CHECK_INTERVAL_S / 20)
        loop.call_later(_CHECK_INTERVAL_S / 2, exchange.lines[0].say, b"message", _ECHO)
        await asyncio.sleep(3 * _CHECK_INTERVAL_S)
        assert len(exchange.lines) == 1
