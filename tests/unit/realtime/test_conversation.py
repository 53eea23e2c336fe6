"""Pushes of a live connection: sent directly, or returned to its caller. In virtual time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.container.live.connection import LiveConnection
from shared.application.authorization import Authorization, Caller, Operation, Role, Scope
from shared.application.errors import (
    SessionDeleted,
    SessionNotFound,
    StoreUnavailable,
    Unauthenticated,
)
from shared.application.ports.token_revocations import SessionToken
from shared.application.push_messages import tokens_revoked_prefix
from shared.application.store_clock import StoreClock
from shared.auth.rate_limits import RequestRateLimit
from shared.domain.units import Instant
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
    ended_with: str = ""
    """Why the connection ended."""

    def send(self, text: str) -> bool:
        self.sent.append(text)
        return True

    async def consume(self) -> None:
        try:
            while True:
                self.returned.append(await self.connection.next())
        except Unauthenticated as error:
            self.ended_with = error.message

    async def run_loop(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


class Checks:
    """The check of tokens, which fails with each of `errors` in turn and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, _: Caller) -> None:
        self.count += 1
        await self.may_answer.wait()
        if self.errors:
            raise self.errors.pop(0)


def live_connection(
    role: Role = Role.SERVICE,
    error: Exception | None = None,
    ends_in_s: float | None = None,
    token: SessionToken | None = None,
    checks: Checks | None = None,
    key_id: str | None = None,
) -> LiveConnection:
    """A connection whose token expires in `ends_in_s` seconds, or never."""
    expires_at = None if ends_in_s is None else Time.time() + ends_in_s
    caller = Caller(role, expires_at=expires_at, token=token, key_id=key_id)
    authorization = Authorization(caller, Operation.SUBSCRIBE, Scope.ANYWHERE, RequestRateLimit())
    service: Any = Service(error or SessionNotFound())
    return LiveConnection(
        "a-session", authorization, service, StoreClock(), Listener(), checks or Checks()
    )


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
            while not client.ended_with:
                await asyncio.sleep(0.01)
        assert client.ended_with == "The token has expired; reconnect with a new one"


async def test_a_token_renewed_in_time_keeps_the_connection() -> None:
    connection = live_connection(ends_in_s=0.05)
    async for client in greeted_client(connection):
        await connection.reauthenticate(Caller(Role.SERVICE, expires_at=Time.time() + 60))
        await asyncio.sleep(0.1)
        assert not client.returned
        assert "AUTHENTICATED" in client.sent[0]


TOKEN = SessionToken("a-session", "an-id", issued_at=Instant(100_000))


def revocation(token_id: str | None = None, at: int = 100_000) -> Push:
    """The notice that a token is revoked, or all that were issued until `at` (ms)."""
    return Push.of(tokens_revoked_prefix(token_id) + b"%d}" % at)


@pytest.mark.parametrize("notice", [revocation("an-id"), revocation()])
async def test_a_revoked_token_ends_the_connection_after_the_pushes_before_it(notice: Push) -> None:
    async for client in greeted_client(live_connection(Role.SPECTATOR, token=TOKEN)):
        client.connection.listener.put(UPDATE)
        client.connection.listener.put(notice)
        client.connection.listener.put(UPDATE)
        await client.run_loop()
        assert client.sent == [UPDATE.text]
        assert client.ended_with == "The token was revoked"


@pytest.mark.parametrize(
    ("token", "notice"),
    [
        (TOKEN, revocation("another-id")),
        (TOKEN, revocation(at=99_999)),
        (SessionToken("a-session", issued_at=Instant(100_000)), revocation("an-id")),
        (None, revocation()),
    ],
)
async def test_the_revocation_of_another_token_is_not_shown_to_clients(
    token: SessionToken | None, notice: Push
) -> None:
    async for client in greeted_client(live_connection(token=token)):
        client.connection.listener.put(notice)
        client.connection.listener.put(UPDATE)
        await client.run_loop()
        assert [push.type for push in client.returned] == ["STATE_UPDATE"]
        assert not client.sent
        assert not client.ended_with


async def test_a_gap_ends_the_connection_if_the_token_was_revoked_meanwhile() -> None:
    connection = live_connection(token=TOKEN, error=Unauthenticated("The token was revoked"))
    async for client in greeted_client(connection):
        client.connection.listener.put(GAP)
        await client.run_loop()
        assert client.ended_with == "The token was revoked"


async def test_a_revoked_token_opens_no_connection() -> None:
    connection = live_connection(token=TOKEN, checks=Checks(Unauthenticated("revoked")))
    with pytest.raises(Unauthenticated):
        await connection.begin(with_state=False)


async def test_a_new_token_is_checked_until_the_store_has_answered() -> None:
    checks = Checks()
    connection = live_connection(token=TOKEN, checks=checks)
    async for client in greeted_client(connection):
        checks.errors = [StoreUnavailable(), Unauthenticated("The token was revoked")]
        await connection.reauthenticate(Caller(Role.SERVICE, token=TOKEN))
        await client.run_loop()
        assert checks.count == 2
        await asyncio.sleep(1.1)
        assert client.ended_with == "The token was revoked"
        assert checks.count == 3


async def test_pushes_do_not_wait_for_the_check_of_a_new_token() -> None:
    checks = Checks()
    connection = live_connection(token=TOKEN, checks=checks)
    async for client in greeted_client(connection):
        checks.may_answer.clear()
        await connection.reauthenticate(Caller(Role.SERVICE, token=TOKEN))
        await client.run_loop()
        assert checks.count == 2
        connection.listener.put(UPDATE)
        assert client.sent[-1] == UPDATE.text
        checks.errors = [Unauthenticated("The token was revoked")]
        checks.may_answer.set()
        await client.run_loop()
        assert client.ended_with == "The token was revoked"


async def test_pushes_go_on_while_the_state_can_not_be_read() -> None:
    async for client in greeted_client(live_connection(error=StoreUnavailable())):
        client.connection.listener.put(GAP)
        await client.run_loop()
        client.connection.listener.put(UPDATE)
        assert client.sent == [UPDATE.text]
        reading: Any = client.connection.service
        reading.error = SessionDeleted()
        await asyncio.sleep(1.1)
        assert [push.type for push in client.returned] == ["SESSION_DELETED"]


async def test_the_api_key_of_a_connection_is_checked_until_it_is_revoked() -> None:
    checks = Checks()
    connection = live_connection(checks=checks, key_id="a-key")
    async for client in greeted_client(connection):
        await asyncio.sleep(9)
        assert checks.count == 4
        client.connection.listener.put(UPDATE)
        assert client.sent == [UPDATE.text]
        checks.errors = [StoreUnavailable(), Unauthenticated("The API key was revoked")]
        await asyncio.sleep(3.1)
        assert client.ended_with == "The API key was revoked"


async def test_a_connection_without_api_key_is_not_checked() -> None:
    checks = Checks()
    async for _ in greeted_client(live_connection(checks=checks)):
        await asyncio.sleep(600)
        assert not checks.count


async def test_checks_go_on_after_an_unexpected_error(caplog: pytest.LogCaptureFixture) -> None:
    checks = Checks()
    connection = live_connection(checks=checks, key_id="a-key")
    async for client in greeted_client(connection):
        checks.errors = [RuntimeError("broken"), Unauthenticated("The API key was revoked")]
        await asyncio.sleep(4.1)
        assert client.ended_with == "The API key was revoked"
        assert "a revocation can't be checked" in caplog.text
