"""The pub/sub connection of an instance is replaced when it stops working, and only then."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.application.activity import Activity
from shared.application.event_loop import cancel_and_wait
from shared.realtime.delivery_check import DeliveryCheck
from shared.realtime.listener import GAP
from shared.realtime.redis import _CHECK_INTERVAL_S, Handler, RedisFanOut
from tests.support.virtual_time import Time, in_virtual_time

_ECHO = "echo"


pytestmark = in_virtual_time


class FakeConnection:
    """A connection that confirms every channel and sends nothing else unless told to."""

    def __init__(self, handler: Handler, *, answers_pings: bool) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard_at = 0.0
        self.pings = 0
        self.is_closed = False
        self.is_silent = False
        self.handler = handler
        self._answers_pings = answers_pings

    def subscribe(self, channels: object) -> None:
        assert isinstance(channels, list)
        for channel in channels:
            self.receive(b"subscribe", channel)

    def unsubscribe(self, channels: object) -> None: ...

    def ping(self) -> None:
        self.pings += 1
        if self._answers_pings and not self.is_silent:
            self.heard_at += 1

    def receive(self, kind: bytes, channel: str, message: bytes = b"") -> None:
        if self.is_silent:
            return
        self.heard_at += 1
        self.handler(kind, channel, message)

    async def close(self) -> None:
        self.is_closed = True


class ConnectionFactory:
    """Opens connections and lists them."""

    def __init__(self, *, answers_pings: bool = True) -> None:
        self.connections: list[FakeConnection] = []
        self._answers_pings = answers_pings
        self._opened = asyncio.Event()

    async def open(self, handler: Handler) -> FakeConnection:
        self.connections.append(FakeConnection(handler, answers_pings=self._answers_pings))
        self._opened.set()
        return self.connections[-1]

    async def wait_for(self, count: int) -> None:
        """Return when `count` connections have been opened."""
        async with asyncio.timeout(5):
            while len(self.connections) < count:
                self._opened.clear()
                await self._opened.wait()


@asynccontextmanager
async def listening(
    factory: ConnectionFactory,
    echo: DeliveryCheck | None = None,
    activity: Activity | None = None,
) -> AsyncIterator[RedisFanOut]:
    """Channels named like their sessions, on connections of `factory`."""
    channels = RedisFanOut(factory.open, lambda name: name, echo=echo, activity=activity)
    task = asyncio.create_task(channels.run())
    await factory.wait_for(1)
    yield channels
    await cancel_and_wait([task])


async def test_a_quiet_connection_that_answers_pings_is_kept() -> None:
    factory = ConnectionFactory()
    async with listening(factory):
        await asyncio.sleep(15 * _CHECK_INTERVAL_S)
        assert factory.connections[0].pings > 1
        assert len(factory.connections) == 1


async def test_a_connection_that_answers_no_pings_is_replaced_and_listeners_get_lost() -> None:
    factory = ConnectionFactory(answers_pings=False)
    async with listening(factory) as channels, channels.listen("one") as listener:
        await factory.wait_for(2)
        async with asyncio.timeout(5):
            assert await listener.get() is GAP
        assert factory.connections[0].is_closed


async def test_a_connection_that_ends_is_replaced() -> None:
    factory = ConnectionFactory()
    async with listening(factory):
        factory.connections[0].ended.set_result(None)
        await factory.wait_for(2)


async def test_a_push_is_carried_to_a_waiting_listener_while_it_is_read() -> None:
    factory, received = ConnectionFactory(), list[str]()
    async with listening(factory) as channels, channels.listen("one") as listener:
        getting = asyncio.create_task(listener.get())
        await asyncio.sleep(0)
        listener.carry = lambda push: not received.append(push.type)  # type: ignore[func-returns-value]
        factory.connections[0].receive(b"message", "one", b'{"type":"STATE_UPDATE"}')
        assert received == ["STATE_UPDATE"]
        getting.cancel()


async def test_a_missing_echo_replaces_the_connection() -> None:
    factory = ConnectionFactory()

    async def publish(_: str) -> None: ...

    async with listening(factory, DeliveryCheck(_ECHO, publish)):
        await factory.wait_for(2)


async def test_an_echo_that_is_read_late_keeps_the_connection() -> None:
    """After a pause, the process reads in the next loop iteration what Redis sent meanwhile."""
    factory, published = ConnectionFactory(), asyncio.Event()

    async def publish(_: str) -> None:
        published.set()

    echo = DeliveryCheck(_ECHO, publish)
    async with listening(factory, echo):
        async with asyncio.timeout(5):
            await published.wait()
        loop = asyncio.get_running_loop()
        while not echo.is_missing():
            await asyncio.sleep(_CHECK_INTERVAL_S / 20)
        loop.call_later(_CHECK_INTERVAL_S / 2, factory.connections[0].receive, b"message", _ECHO)
        await asyncio.sleep(3 * _CHECK_INTERVAL_S)
        assert len(factory.connections) == 1


@pytest.fixture
async def resting(monkeypatch: pytest.MonkeyPatch) -> Activity:
    """The use of an instance; it rests after a minute of virtual time."""
    monkeypatch.setattr("shared.application.activity.time", Time)
    return Activity()


async def test_a_resting_instance_checks_its_connection_once_a_minute(resting: Activity) -> None:
    factory, published = ConnectionFactory(), 0

    async def publish(channel: str) -> None:
        nonlocal published
        published += 1
        factory.connections[0].receive(b"message", channel)

    async with listening(factory, DeliveryCheck(_ECHO, publish), resting):
        await asyncio.sleep(70)
        in_use, pings = published, factory.connections[0].pings
        await asyncio.sleep(600)
        assert published - in_use == 10
        assert factory.connections[0].pings == pings
        assert len(factory.connections) == 1


async def test_a_live_client_keeps_the_instance_from_resting(resting: Activity) -> None:
    async with listening(ConnectionFactory(), activity=resting) as channels:
        async with channels.listen("one"):
            await asyncio.sleep(120)
            assert not resting.is_resting
        await asyncio.sleep(61)
        assert resting.is_resting


async def test_a_connection_that_was_lost_at_rest_is_replaced_for_the_first_client(
    resting: Activity,
) -> None:
    factory = ConnectionFactory()
    async with listening(factory, activity=resting) as channels:
        await asyncio.sleep(90)
        factory.connections[0].is_silent = True
        async with channels.listen("one"):
            assert len(factory.connections) == 2


async def test_a_connection_that_ends_at_rest_is_replaced_at_once(resting: Activity) -> None:
    factory = ConnectionFactory()
    async with listening(factory, activity=resting):
        await asyncio.sleep(90)
        factory.connections[0].ended.set_result(None)
        await asyncio.sleep(0.5)
        assert len(factory.connections) == 2


async def test_an_unreachable_server_is_logged_once_and_once_more_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    factory, attempts = ConnectionFactory(), 0

    async def open_at_the_fifth_attempt(handler: Handler) -> FakeConnection:
        nonlocal attempts
        attempts += 1
        if attempts < 5:
            raise ConnectionRefusedError("refused")
        return await factory.open(handler)

    echo = DeliveryCheck(_ECHO, publish_nothing)
    channels = RedisFanOut(open_at_the_fifth_attempt, lambda name: name, echo=echo)
    with caplog.at_level(logging.INFO, "synckairos.pushes"):
        task = asyncio.create_task(channels.run())
        await factory.wait_for(1)
        assert [record.getMessage() for record in caplog.records] == [
            "pub/sub connection lost: refused"
        ]
        factory.connections[0].receive(b"message", _ECHO)
        await cancel_and_wait([task])
    assert caplog.records[-1].getMessage() == "pub/sub works again"
    assert (attempts, len(caplog.records)) == (5, 2)


async def publish_nothing(_: str) -> None:
    """Stand for a server that loses what is published."""
