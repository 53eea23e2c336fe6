"""What a client is sent at once, and what its conversation deals with first."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.container.live.connection import TOKEN_EXPIRED, LiveConnection
from shared.access.allowance import Allowance
from shared.access.callers import Caller, Role
from shared.access.permits import Permit
from shared.access.rights import Operation, Reach
from shared.clock import StoreClock
from shared.errors import SessionDeleted, SessionNotFound
from shared.realtime.listener import CLOSED, LOST, Listener, Push

UPDATE = Push('{"type":"STATE_UPDATE"}', "STATE_UPDATE", 1)
DELETED = Push('{"type":"SESSION_DELETED"}', "SESSION_DELETED")


class Service:
    """Raises an exception for each read."""

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
    """One whose connection takes everything at once."""

    talk: LiveConnection
    sent: list[str] = field(default_factory=list)
    """What was sent without the conversation being asked."""
    next: list[Push] = field(default_factory=list)
    """What the conversation returned."""

    def send(self, text: str) -> bool:
        self.sent.append(text)
        return True

    async def speak(self) -> None:
        while True:
            self.next.append(await self.talk.next())

    async def settled(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def conversation(
    role: Role = Role.SERVICE, error: Exception | None = None, ends_in_s: float | None = None
) -> LiveConnection:
    """One that has a token for so long."""
    caller = Caller(role, expires_at=None if ends_in_s is None else time.time() + ends_in_s)
    permit = Permit(caller, Operation.SUBSCRIBE, Reach.ANYWHERE, Allowance())
    service: Any = Service(error or SessionNotFound())
    return LiveConnection("a-session", permit, service, StoreClock(), Listener())


async def talking(talk: LiveConnection) -> AsyncIterator[Client]:
    """A client that was greeted and waits."""
    client = Client(talk)
    talk.send_through(client.send)
    await talk.begin(with_state=False)
    speaking = asyncio.create_task(client.speak())
    await client.settled()
    assert [push.type for push in client.next] == ["CONNECTED"]
    client.next.clear()
    yield client
    speaking.cancel()
    talk.end()


async def test_an_update_is_sent_at_once() -> None:
    async for client in talking(conversation()):
        client.talk.listener.put(UPDATE)
        assert client.sent == [UPDATE.text]
        await client.settled()
        assert not client.next


@pytest.mark.parametrize("push", [DELETED, CLOSED])
async def test_what_ends_the_connection_is_left_to_who_can_end_it(push: Push) -> None:
    async for client in talking(conversation()):
        client.talk.listener.put(UPDATE)
        client.talk.listener.put(push)
        await client.settled()
        assert (client.sent, client.next) == ([UPDATE.text], [push])


async def test_a_gap_is_closed_before_the_pushes_behind_it() -> None:
    async for client in talking(conversation(error=SessionDeleted())):
        client.talk.listener.put(LOST)
        client.talk.listener.put(UPDATE)
        await client.settled()
        assert not client.sent
        assert [push.type for push in client.next] == ["STATE_UPDATE", "SESSION_DELETED"]


async def test_a_host_is_sent_nothing_of_a_session_before_it_is_known_to_be_its_own() -> None:
    async for client in talking(conversation(Role.HOST)):
        client.talk.listener.put(UPDATE)
        await client.settled()
        assert not client.sent
        assert not client.next


async def test_a_token_that_has_ended_ends_the_connection_behind_what_is_queued() -> None:
    async for client in talking(conversation(ends_in_s=0.05)):
        async with asyncio.timeout(5):
            while not client.next:
                await asyncio.sleep(0.01)
        assert client.next == [TOKEN_EXPIRED]


async def test_a_token_that_was_renewed_in_time_ends_nothing() -> None:
    talk = conversation(ends_in_s=0.05)
    async for client in talking(talk):
        await talk.go_on_as(Caller(Role.SERVICE, expires_at=time.time() + 60))
        await asyncio.sleep(0.1)
        assert not client.next
        assert "AUTHENTICATED" in client.sent[0]
