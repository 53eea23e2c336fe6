"""Presence of clients that follow a session through Supabase Realtime."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from synckairos import Presence, PresenceChanged, Session, SyncKairos
from synckairos.api import Token

from infra.local.instance import Instance
from infra.local.realtime import LocalRealtime
from tests.clients.following import followed_session
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess

# Supabase's client reads attributes that websockets has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")

_TIMEOUT_S = 30.0


@pytest.fixture
async def host(service_with_supabase: Instance) -> AsyncIterator[ApiClient]:
    """A host of `service_with_supabase`, who owns the sessions."""
    async with api_client(service_with_supabase.url, tokens.host()) as api:
        yield api


class Watcher:
    """A client that reads the presence of a session, and the reports that it gets."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._reports: asyncio.Queue[Presence] = asyncio.Queue()
        session.on("presence", self._note)

    async def until(self, condition: Callable[[Presence], bool]) -> Presence:
        """Wait for a report for which `condition` holds."""
        async with asyncio.timeout(_TIMEOUT_S):
            while not condition(report := await self._reports.get()):
                pass
        return report

    def _note(self, event: PresenceChanged) -> None:
        self._reports.put_nowait(event.presence)


@asynccontextmanager
async def _watching(url: str, session_id: str, token: Token) -> AsyncIterator[Watcher]:
    async with SyncKairos(url, token) as client:
        await client.clock.sync()
        watcher = Watcher(client.session(session_id))
        await watcher.session.open(presence=True)
        yield watcher


def _has(**roles: int) -> Callable[[Presence], bool]:
    """Return whether a presence has exactly so many connections by role, all measured."""

    def holds(presence: Presence) -> bool:
        summary = presence["summary"]
        found = {role: count for role, count in summary["roles"].items() if count}
        return found == roles and summary["measured"] == summary["connected"]

    return holds


async def test_a_host_sees_who_follows_the_session(
    service_with_supabase: Instance, host: ApiClient
) -> None:
    session_id, url = await host.created(chess()), service_with_supabase.url
    participant = chess()["participants"][0]["participant_id"]
    ada = tokens.participant(session_id, participant)
    async with _watching(url, session_id, tokens.host()) as watcher:
        alone = await watcher.until(_has(host=1))
        async with (
            followed_session(url, session_id, token=ada),
            followed_session(url, session_id, token=tokens.spectator(session_id)),
        ):
            shown = await watcher.until(_has(host=1, participant=1, spectator=1))
        await watcher.until(_has(host=1))
    assert (shown["session_id"], shown["transports"]) == (session_id, ["supabase"])
    first, second, third = shown["connections"]
    assert first["connection_id"] == alone["connections"][0]["connection_id"]
    assert second["participant_id"] == participant
    assert {one["transport"] for one in shown["connections"]} == {"supabase"}
    assert all(one["error_ms"] >= 0 for one in (first, second, third))
    assert "participant_id" not in third


async def test_a_participant_may_ask_later_and_a_spectator_gets_nothing(
    service_with_supabase: Instance, host: ApiClient
) -> None:
    session_id, url = await host.created(chess()), service_with_supabase.url
    participant = chess()["participants"][0]["participant_id"]
    ada = tokens.participant(session_id, participant)
    async with (
        followed_session(url, session_id, token=ada) as late,
        followed_session(url, session_id, token=tokens.spectator(session_id)) as spectator,
    ):
        watcher = Watcher(late.session)
        await late.wait_for_transport("supabase")
        await spectator.session.open(presence=True)
        await late.session.open(presence=True)
        await watcher.until(_has(participant=1, spectator=1))
        await host.do(session_id, "start")
        await spectator.wait_for_version(2)
        assert not [one for one in spectator.events if isinstance(one, PresenceChanged)]


async def test_pushes_go_on_while_the_presence_is_limited_and_it_is_tried_again(
    service_with_supabase: Instance,
    host: ApiClient,
    supabase_realtime: LocalRealtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synckairos.transports.supabase_presence.PRESENCE_RETRY_MS", (100.0, 200.0))
    session_id, url = await host.created(chess()), service_with_supabase.url
    supabase_realtime.faults.limits_presence = True
    try:
        async with _watching(url, session_id, tokens.host()) as watcher:
            nobody = await watcher.until(lambda presence: True)
            assert nobody["summary"]["connected"] == 0
            async with followed_session(url, session_id, token=tokens.host()) as recorded:
                await recorded.wait_for_transport("supabase")
                before = len(recorded.events)
                await host.do(session_id, "start")
                await recorded.wait_for_version(2)
                names = [event.name for event in recorded.events[before:]]
                assert names == ["update"], "the connection lasted"
                supabase_realtime.faults.limits_presence = False
                await watcher.until(_has(host=2))
    finally:
        supabase_realtime.faults.limits_presence = False
