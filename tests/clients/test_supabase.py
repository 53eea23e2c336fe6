"""The Python client with Supabase Realtime, through Supabase's own client library."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from synckairos import SyncKairos

from infra.local.instance import Instance
from infra.local.realtime import LocalRealtime
from tests.clients.following import followed_session
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess

# Supabase's client reads attributes that websockets has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")


@pytest.fixture
async def host(service_with_supabase: Instance) -> AsyncIterator[ApiClient]:
    """A host of `service_with_supabase`, who owns the sessions."""
    async with api_client(service_with_supabase.url, tokens.host()) as api:
        yield api


async def test_the_first_state_comes_by_a_read_and_the_next_ones_by_pushes_in_order(
    service_with_supabase: Instance, host: ApiClient
) -> None:
    session_id = await host.created(chess())
    async with followed_session(
        service_with_supabase.url, session_id, token=tokens.spectator(session_id)
    ) as recorded:
        await recorded.wait_for_transport("supabase")
        for version, verb in enumerate(("start", "switch", "pause"), start=2):
            await host.do(session_id, verb)
            await recorded.wait_for_version(version)
        assert recorded.sources() == ["read", "push", "push", "push"]
        await host.delete(session_id)
        await recorded.wait_until(lambda: recorded.session.existence == "deleted")


async def test_an_absent_session_becomes_present_when_it_is_created(
    service_with_supabase: Instance, host: ApiClient
) -> None:
    session_id = str(uuid4())
    token = tokens.spectator(session_id)
    async with followed_session(service_with_supabase.url, session_id, token=token) as recorded:
        await recorded.wait_for_transport("supabase")
        assert recorded.session.existence == "absent"
        await host.create(chess(session_id=session_id))
        await recorded.wait_for_version(1)


async def test_a_lost_connection_is_replaced(
    service_with_supabase: Instance, host: ApiClient, supabase_realtime: LocalRealtime
) -> None:
    session_id = await host.created(chess())
    async with followed_session(
        service_with_supabase.url, session_id, token=tokens.spectator(session_id)
    ) as recorded:
        await recorded.wait_for_transport("supabase")
        supabase_realtime.faults.drop_connections()
        await recorded.wait_for_status("connecting")
        await host.do(session_id, "start")
        await recorded.wait_for_version(2)
        await recorded.wait_for_transport("supabase")


async def test_while_realtime_is_unavailable_the_session_is_polled(
    service_with_supabase: Instance,
    host: ApiClient,
    supabase_realtime: LocalRealtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synckairos.connector.UPGRADE_EVERY_MS", (200.0, 200.0))
    session_id = await host.created(chess())
    supabase_realtime.faults.rejects_sockets = True
    try:
        async with followed_session(
            service_with_supabase.url, session_id, token=tokens.spectator(session_id)
        ) as recorded:
            await recorded.wait_for_transport("polling")
            await host.do(session_id, "start")
            await recorded.wait_for_version(2)
            supabase_realtime.faults.rejects_sockets = False
            await recorded.wait_for_transport("supabase")
    finally:
        supabase_realtime.faults.rejects_sockets = False


async def test_a_token_is_renewed_before_it_expires(
    service_with_supabase: Instance, host: ApiClient
) -> None:
    session_id = await host.created(chess())
    lifetimes = iter([4])
    was_called_again = asyncio.Event()

    def token() -> str:
        lifetime_s = next(lifetimes, None)
        if lifetime_s is None:
            was_called_again.set()
        return tokens.spectator(session_id, lifetime_s=lifetime_s or tokens.HOUR)

    async with (
        followed_session(service_with_supabase.url, session_id, token=token) as recorded,
        asyncio.timeout(30),
    ):
        await recorded.wait_for_transport("supabase")
        before = len(recorded.events)
        await was_called_again.wait()
        await host.do(session_id, "start")
        await recorded.wait_for_version(2)
        assert [event.name for event in recorded.events[before:]] == ["update"]


async def test_a_session_is_absent_for_the_token_of_another_session(
    service_with_supabase: Instance, host: ApiClient
) -> None:
    own_id, other_id = await host.created(chess()), await host.created(chess())
    async with SyncKairos(service_with_supabase.url, tokens.spectator(own_id)) as client:
        session = client.session(other_id)
        assert await session.open() is None
        assert session.existence == "absent"  # the API hides sessions that a token can't read
