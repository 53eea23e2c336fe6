"""Pushes of a live connection: sent directly, or returned to its caller. In virtual time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.container.live.connection import TOKEN_EXPIRED, LiveConnection
from shared.application.authorization import Authorization, Caller, Operation, Role, Scope
from shared.application.errors import SessionDeleted, SessionNotFound
from shared.application.store_clock import StoreClock
from shared.auth.rate_limits import RequestRateLimit
from shared.realtime.listener import CLOSED, GAP, Listener, Push
from tests.support.virtual_time import Time, in_virtual_time

pytestmark = in_virtual_time

UPDATE = Push('{"type":"STATE_UPDATE"}', "STATE_UPDATE", 1)
DELETED = Push('{"type":"SESSION_DELETED"}', "SESSION_DELETED")


@pytest.fixture(autouse=True)
def _virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.container.live.connection.time", Time)


class Service:
    """A session service whose reads fail with `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.reads = 0

    async def read(self, *_: object) -> object:
        self.reads += 1
        raise self.error

    async def could_read(self, *_: object) -> bool:
        return True


@dataclass
class Client:
    """A client whose connection accepts every message at once."""

    connection: LiveConnection
    sent: list[str] = field(default_factory=list)
    """Messages sent directly."""
    returned: list[Push] = field(default_factory=list)
    """Pushes that the connection returned."""

    def send(self, text: str) -> bool:
        self.sent.append(text)
        return True

    async def consume(self) -> None:
        while True:
            self.returned.append(await self.connection.next())

    async def run_loop(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def live_connection(
    role: Role = Role.SERVICE, error: Exception | None = None, ends_in_s: float | None = None
) -> LiveConnection:
    """A connection whose token expires in `ends_in_s` seconds, or never."""
    caller = Caller(role, expires_at=None if ends_in_s is None else Time.time() + ends_in_s)
    authorization = Authorization(caller, Operation.SUBSCRIBE, Scope.ANYWHERE, RequestRateLimit())
    service: Any = Service(error or SessionNotFound())
    return LiveConnection("a-session", authorization, service, StoreClock(), Listener())


async def greeted_client(connection: LiveConnection) -> AsyncIterator[Client]:
    """A client that has been greeted and waits for pushes."""
    client = Client(connection)
    connection.send_directly_by(client.send)
    await connection.begin(with_state=False)
    consuming = asyncio.create_task(client.consume())
    await client.run_loop()
    assert [push.type for push in client.returned] == ["CONNECTED"]
    client.returned.clear()
    yield client
    consuming.cancel()
    connection.end()


async def test_an_update_is_sent_directly() -> None:
    async for client in greeted_client(live_connection()):
        client.connection.listener.put(UPDATE)
        assert client.sent == [UPDATE.text]
        await client.run_loop()
        assert not client.returned


@pytest.mark.parametrize("push", [DELETED, CLOSED])
async def test_a_push_that_ends_the_connection_is_returned_to_the_caller(push: Push) -> None:
    async for client in greeted_client(live_connection()):
        client.connection.listener.put(UPDATE)
        client.connection.listener.put(push)
        await client.run_loop()
        assert (client.sent, client.returned) == ([UPDATE.text], [push])


async def test_a_gap_is_filled_before_the_pushes_after_it() -> None:
    async for client in greeted_client(live_connection(error=SessionDeleted())):
        client.connection.listener.put(GAP)
        client.connection.listener.put(UPDATE)
        await client.run_loop()
        assert not client.sent
        assert [push.type for push in client.returned] == ["STATE_UPDATE", "SESSION_DELETED"]


async def test_a_host_gets_no_push_before_its_ownership_is_known() -> None:
    async for client in greeted_client(live_connection(Role.HOST)):
        client.connection.listener.put(UPDATE)
        await client.run_loop()
        assert not client.sent
        assert not client.returned


async def test_an_expired_token_ends_the_connection() -> None:
    async for client in greeted_client(live_connection(ends_in_s=0.05)):
        async with asyncio.timeout(5):
            while not client.returned:
                await asyncio.sleep(0.01)
        assert client.returned == [TOKEN_EXPIRED]


async def test_a_token_renewed_in_time_keeps_the_connection() -> None:
    connection = live_connection(ends_in_s=0.05)
    async for client in greeted_client(connection):
        await connection.reauthenticate(Caller(Role.SERVICE, expires_at=Time.time() + 60))
        await asyncio.sleep(0.1)
        assert not client.returned
        assert "AUTHENTICATED" in client.sent[0]
