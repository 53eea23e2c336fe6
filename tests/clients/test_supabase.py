"""The Python client on Supabase Realtime, through Supabase's own client."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from synckairos import SyncKairos

from infra.local.instance import Instance, running
from infra.local.realtime import LocalRealtime
from infra.local.redis import embedded_redis
from tests.clients.following import watching
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess
from tests.support.tokens import WITH_AUTHENTICATION

# Supabase's client reads what websockets would rather have read elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")


@pytest.fixture(scope="module")
def pushing(supabase_realtime: LocalRealtime) -> Iterator[Instance]:
    """A service that pushes through it."""
    settings = {**WITH_AUTHENTICATION, **supabase_realtime.settings()}
    with (
        embedded_redis() as redis_url,
        running(redis_url, port=None, quiet=False, **settings) as instance,
    ):
        yield instance


@pytest.fixture
async def host(pushing: Instance) -> AsyncIterator[ApiClient]:
    """Alice, whose sessions they are."""
    async with api_client(pushing.url, tokens.host()) as api:
        yield api


async def test_pushes_come_in_order_and_the_first_state_by_a_read(
    pushing: Instance, host: ApiClient
) -> None:
    session_id = await host.created(chess())
    async with watching(pushing.url, session_id, token=tokens.spectator(session_id)) as watched:
        await watched.until_live("supabase")
        for version, verb in enumerate(("start", "switch", "pause"), start=2):
            await host.do(session_id, verb)
            await watched.until_version(version)
        assert watched.sources() == ["read", "push", "push", "push"]
        await host.delete(session_id)
        await watched.until(lambda: watched.session.presence == "deleted")


async def test_a_lobby_hears_of_the_creation(pushing: Instance, host: ApiClient) -> None:
    session_id = str(uuid4())
    token = tokens.spectator(session_id)
    async with watching(pushing.url, session_id, token=token) as watched:
        await watched.until_live("supabase")
        assert watched.session.presence == "absent"
        await host.create(chess(session_id=session_id))
        await watched.until_version(1)


async def test_a_connection_that_breaks_is_made_again(
    pushing: Instance, host: ApiClient, supabase_realtime: LocalRealtime
) -> None:
    session_id = await host.created(chess())
    async with watching(pushing.url, session_id, token=tokens.spectator(session_id)) as watched:
        await watched.until_live("supabase")
        supabase_realtime.mischief.drop_connections()
        await watched.until(lambda: watched.transport[0] == "connecting")
        await host.do(session_id, "start")
        await watched.until_version(2)
        await watched.until_live("supabase")


async def test_while_realtime_is_away_it_is_polled(
    pushing: Instance,
    host: ApiClient,
    supabase_realtime: LocalRealtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synckairos.connector._UPGRADE_EVERY_MS", 200.0)
    session_id = await host.created(chess())
    supabase_realtime.mischief.refuses_sockets = True
    try:
        async with watching(pushing.url, session_id, token=tokens.spectator(session_id)) as watched:
            await watched.until_live("polling")
            await host.do(session_id, "start")
            await watched.until_version(2)
            supabase_realtime.mischief.refuses_sockets = False
            await watched.until_live("supabase")
    finally:
        supabase_realtime.mischief.refuses_sockets = False


async def test_a_token_is_renewed_before_it_ends(pushing: Instance, host: ApiClient) -> None:
    session_id = await host.created(chess())
    lifetimes = iter([4])
    was_asked_again = asyncio.Event()

    def token() -> str:
        lifetime_s = next(lifetimes, None)
        if lifetime_s is None:
            was_asked_again.set()
        return tokens.spectator(session_id, lifetime_s=lifetime_s or tokens.HOUR)

    async with watching(pushing.url, session_id, token=token) as watched, asyncio.timeout(10):
        await watched.until_live("supabase")
        told = len(watched.told)
        await was_asked_again.wait()
        await host.do(session_id, "start")
        await watched.until_version(2)
        assert [event.name for event in watched.told[told:]] == ["update"]


async def test_a_token_of_another_session_follows_nothing(
    pushing: Instance, host: ApiClient
) -> None:
    mine, foreign = await host.created(chess()), await host.created(chess())
    async with SyncKairos(pushing.url, tokens.spectator(mine)) as client:
        session = client.session(foreign)
        assert await session.open() is None
        assert session.presence == "absent"  # what one may not read is not there
