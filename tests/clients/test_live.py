"""The Python client against a real container: every transport, and everything that ends one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from synckairos import ApiError, Changed, SyncKairos, Update
from synckairos.states import Kind

from infra.local.instance import Instance, running
from infra.local.ports import free_port
from infra.local.redis import embedded_redis
from shared.access.tokens import LEEWAY_S
from tests.clients.following import Watched, watching
from tests.clients.losing_proxy import LosingProxy, losing_proxy
from tests.resilience.faults.faults import Fault
from tests.resilience.faults.proxy import faulty_proxy
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess
from tests.support.tokens import WITH_AUTHENTICATION

_BRIEF_S = 2 - LEEWAY_S
"""Of a token in its last moments of grace."""

KINDS: list[Kind] = ["websocket", "sse", "polling"]


@pytest.fixture(scope="module")
def service(redis_url: str) -> Iterator[Instance]:
    """A service that lets everybody do everything."""
    with running(redis_url, RATE_LIMIT_GENERAL="0") as instance:
        yield instance


@pytest.fixture(scope="module")
def guarded() -> Iterator[Instance]:
    """One that asks for tokens."""
    with (
        embedded_redis() as redis_url,
        running(redis_url, port=None, quiet=False, **WITH_AUTHENTICATION) as instance,
    ):
        yield instance


@pytest.fixture
async def api(service: Instance) -> AsyncIterator[ApiClient]:
    """Somebody else who plays."""
    async with api_client(service.url) as api:
        yield api


@pytest.fixture
async def host(guarded: Instance) -> AsyncIterator[ApiClient]:
    """Alice, whose sessions they are."""
    async with api_client(guarded.url, tokens.host()) as api:
        yield api


@pytest.fixture
def blocking(service: Instance) -> Iterator[LosingProxy]:
    """A network that doesn't let everything through."""
    with losing_proxy(service.port) as proxy:
        yield proxy


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_follows_what_others_do(
    service: Instance, api: ApiClient, kind: Kind
) -> None:
    session_id = await api.started(chess())
    async with watching(service.url, session_id, kind) as watched:
        assert watched.version == 2
        await watched.until_live(kind)
        await api.do(session_id, "switch")
        await watched.until_version(3)
        await api.delete(session_id)
        await watched.until(lambda: watched.session.presence == "deleted")
    assert watched.transport == ("closed", None)


async def test_without_a_wish_it_is_followed_as_the_service_says(
    service: Instance, api: ApiClient
) -> None:
    async with watching(service.url, await api.created(chess())) as watched:
        await watched.until_live("websocket")
        assert watched.session.clock.is_synced


async def test_own_actions_are_seen_at_once_and_told_once(service: Instance) -> None:
    async with SyncKairos(service.url) as client:
        session = await client.create(chess())
        assert session.state
        assert session.state["version"] == 1
        watched = Watched(session)
        await session.open()
        await session.start()
        assert watched.version == 2
        result = await session.switch()
        await watched.until_version(result["version"])
        await session.pause()
        await session.resume(if_match=4)
        with pytest.raises(ApiError, match="If-Match"):
            await session.complete(if_match=4)
        added = await session.add_participant(
            {"participant_id": str(uuid4()), "total_time_ms": 9_000}
        )
        assert len(added["participants"]) == 3
        versions = [e.state["version"] for e in watched.told if isinstance(e, Update)]
        assert versions == sorted(set(versions))
        assert versions[-1] == 6


@pytest.mark.parametrize("kind", KINDS)
async def test_a_lobby_is_absent_until_its_session_is_there(
    service: Instance, api: ApiClient, kind: Kind
) -> None:
    session_id = str(uuid4())
    async with watching(service.url, session_id, kind) as watched:
        assert (watched.version, watched.session.presence) == (0, "absent")
        await api.create(chess(session_id=session_id))
        await watched.until_version(1)


async def test_a_bad_id_is_refused(service: Instance) -> None:
    async with SyncKairos(service.url) as client:
        with pytest.raises(ApiError) as raised:
            await client.session("nonsense").open()
    assert raised.value.status == 400


async def test_where_sockets_are_blocked_events_come_by_http(
    blocking: LosingProxy, api: ApiClient
) -> None:
    blocking.blocked = ("/ws",)
    session_id = await api.created(chess())
    async with watching(blocking.url, session_id) as watched:
        await watched.until_live("sse")
        await api.do(session_id, "start")
        await watched.until_version(2)


async def test_where_nothing_gets_through_it_is_polled_until_something_does(
    blocking: LosingProxy, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synckairos.connector._UPGRADE_EVERY_MS", 100.0)
    blocking.blocked = ("/ws", "/stream")
    session_id = await api.created(chess())
    async with watching(blocking.url, session_id) as watched:
        await watched.until_live("polling")
        await api.do(session_id, "start")
        await watched.until_version(2)
        blocking.blocked = ()
        await watched.until_live("websocket")


async def test_a_better_transport_takes_over_without_a_break(
    blocking: LosingProxy, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synckairos.connector._UPGRADE_EVERY_MS", 100.0)
    blocking.blocked = ("/ws",)
    async with watching(blocking.url, await api.created(chess())) as watched:
        await watched.until_live("sse")
        since = len(watched.told)
        blocking.blocked = ()
        await watched.until_live("websocket")
    states = [e.connection.status for e in watched.told[since:] if isinstance(e, Changed)]
    assert states == ["live", "closed"]


@pytest.mark.parametrize("kind", [None, "sse", "polling"])
async def test_a_service_that_restarts_is_followed_again(redis_url: str, kind: Kind | None) -> None:
    port = free_port()
    with ExitStack() as first:
        first.enter_context(running(redis_url, port=port))
        async with SyncKairos(f"http://127.0.0.1:{port}", transport=kind) as client:
            session = await client.create(chess())
            watched = Watched(session)
            await session.open()
            await watched.until_live(kind or "websocket")
            await asyncio.to_thread(first.close)
            await watched.until(lambda: session.connection.status == "connecting")
            with running(redis_url, port=port) as again:
                async with httpx.AsyncClient(base_url=again.url) as http:
                    await http.post(f"/v1/sessions/{session.id}/start")
                await watched.until_version(2)
                await watched.until_live(kind or "websocket")
                await client.close()


async def test_while_redis_is_away_nothing_is_lost_and_then_it_goes_on(redis_url: str) -> None:
    with (
        faulty_proxy(urlsplit(redis_url).port or 0) as proxy,
        running(f"redis://127.0.0.1:{proxy.port}", quiet=True) as instance,
    ):
        async with SyncKairos(instance.url) as client:
            session = await client.create(chess())
            watched = Watched(session)
            await session.open()
            await watched.until_live("websocket")
            with proxy.suffering(Fault(name="away", resets=True, refuses=True)):
                with pytest.raises(ApiError):
                    await session.start(timeout=1.0)
                assert (watched.version, session.presence) == (1, "present")
            await session.start()
            await watched.until_version(2)


async def test_one_who_is_turned_away_is_refused(guarded: Instance, host: ApiClient) -> None:
    session_id = await host.created(chess())
    for token, status in ((None, 401), ("nonsense", 401)):
        async with SyncKairos(guarded.url, token) as client:
            session = client.session(session_id)
            with pytest.raises(ApiError) as raised:
                await session.open()
            assert raised.value.status == status
            assert (session.presence, session.connection.status) == ("refused", "closed")


@pytest.mark.parametrize("kind", [None, "sse", "polling"])
async def test_a_token_that_ends_is_the_end(
    guarded: Instance, host: ApiClient, kind: Kind | None
) -> None:
    session_id = await host.created(chess())
    token = tokens.spectator(session_id, lifetime_s=_BRIEF_S)
    async with watching(guarded.url, session_id, kind, token) as watched:
        await watched.until(lambda: watched.session.presence == "refused")
    assert watched.session.refusal
    assert watched.session.refusal.status == 401


@pytest.mark.parametrize("kind", [None, "sse", "polling"])
async def test_a_token_that_is_given_anew_goes_on(
    guarded: Instance, host: ApiClient, kind: Kind | None
) -> None:
    session_id = await host.created(chess())
    lifetimes = iter([_BRIEF_S, _BRIEF_S])
    was_asked_again = asyncio.Event()

    async def token() -> str:
        lifetime_s = next(lifetimes, None)
        if lifetime_s is None:
            was_asked_again.set()
        return tokens.spectator(session_id, lifetime_s=lifetime_s or tokens.HOUR)

    async with watching(guarded.url, session_id, kind, token) as watched, asyncio.timeout(10):
        await was_asked_again.wait()
        await host.do(session_id, "start")
        await watched.until_version(2)
        assert watched.session.presence == "present"
