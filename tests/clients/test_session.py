"""A session of a service that refuses, or says strange things."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from synckairos import ApiError, SyncKairos
from synckairos.api import Token

_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
_PATH = f"/v1/sessions/{_ID}"

Reply = Callable[[httpx.Request], httpx.Response]


def client(reply: Reply, token: Token = None) -> SyncKairos:
    """A client of a service that answers so."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(reply))
    return SyncKairos("http://service", token, http=http)


def refused(status: int) -> httpx.Response:
    """An error of the service."""
    return httpx.Response(status, json={"error": {"code": "X", "message": "No"}})


async def test_a_refused_read_ends_everything() -> None:
    asked: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path.endswith("/realtime"):
            return httpx.Response(200, json={"data": {"transport": "polling", "url": "x"}})
        return refused(403)

    async with client(reply) as service:
        session = service.session(_ID)
        with pytest.raises(ApiError):
            await session.open()
        assert (session.presence, session.connection.status) == ("refused", "closed")
        assert session.refusal
        assert session.refusal.status == 403
        reads = asked.count(_PATH)
        connecting = session._following._connecting
        assert connecting
        await asyncio.wait([connecting], timeout=5)
        assert connecting.done()
        assert asked.count(_PATH) == reads


async def test_a_token_that_cannot_be_had_is_told_to_who_opens() -> None:
    def token() -> str:
        raise LookupError("no token today")

    async with client(lambda _: refused(500), token) as service:
        with pytest.raises(LookupError, match="no token today"):
            await service.session(_ID).open()


async def test_a_session_that_is_closed_while_it_opens_opens_no_more() -> None:
    async with client(lambda _: refused(503)) as service:
        session = service.session(_ID)
        opening = asyncio.create_task(session.open())
        await asyncio.sleep(0)
        await session.close()
        assert await opening is None


async def test_a_callback_that_fails_is_reported_and_stops_nobody() -> None:
    reported: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["message"]))
    told: list[str] = []

    def fails(_: object) -> None:
        raise ValueError

    async with client(lambda _: refused(403)) as service:
        session = service.session(_ID)
        session.on("connection", fails)
        session.on("connection", lambda event: told.append(event.presence))
        with pytest.raises(ApiError):
            await session.open()
    loop.set_exception_handler(None)
    assert "refused" in told
    assert set(reported) == {"A callback of 'connection' failed"}


async def test_the_same_id_is_the_same_session_until_it_is_closed() -> None:
    async with client(lambda _: refused(503)) as service:
        session = service.session(_ID.upper())
        assert service.session(_ID) is session
        await session.close()
        assert service.session(_ID) is not session
