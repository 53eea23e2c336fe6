"""The Python client with a real service: every transport, fallback, restarts, and tokens."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from synckairos import ApiError, Changed, Presence, SyncKairos, Update
from synckairos.api_types import TransportName, timestamp_of

from infra.local.instance import Instance, running
from infra.local.ports import free_port
from shared.auth.claims import LEEWAY_S
from tests.clients.following import RecordedSession, followed_session
from tests.clients.losing_proxy import LossyProxy, lossy_proxy
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess
from tests.support.fault_proxy.faults import Fault
from tests.support.fault_proxy.proxy import faulty_proxy
from tests.support.prefix_proxy import prefix_proxy

_BRIEF_S = 4 - LEEWAY_S
"""Lifetime of a token that stays valid for two seconds, because of the leeway."""

KINDS: list[TransportName] = ["websocket", "sse", "polling"]
_FALLBACKS: list[TransportName] = ["sse", "polling"]
"""The conformance scenarios use the other transports."""


@pytest.fixture
def blocking_proxy(service: Instance) -> Iterator[LossyProxy]:
    """A proxy to the service that can block paths."""
    with lossy_proxy(service.port) as proxy:
        yield proxy


@pytest.mark.parametrize("kind", _FALLBACKS)
async def test_a_session_gets_the_changes_of_other_callers(
    service: Instance, api: ApiClient, kind: TransportName
) -> None:
    session_id = await api.started(chess())
    async with followed_session(service.url, session_id, kind) as recorded:
        assert recorded.version == 2
        await recorded.wait_for_transport(kind)
        await api.do(session_id, "switch")
        await recorded.wait_for_version(3)
        await api.delete(session_id)
        await recorded.wait_until(lambda: recorded.session.existence == "deleted")
    assert recorded.connection == ("closed", None)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_service_below_a_path_works_with_every_transport(
    service: Instance, api: ApiClient, kind: TransportName
) -> None:
    with prefix_proxy(service.port, "/sync") as url:
        async with followed_session(f"{url}/", await api.created(chess()), kind) as recorded:
            await recorded.wait_for_transport(kind)
            await recorded.session.start()
            await api.do(recorded.session.id, "switch")
            await recorded.wait_for_version(3)


async def test_by_default_the_client_uses_the_transport_that_the_service_recommends(
    service: Instance, api: ApiClient
) -> None:
    async with followed_session(service.url, await api.created(chess())) as recorded:
        await recorded.wait_for_transport("websocket")
        assert recorded.session.clock.is_synced


async def test_own_actions_are_applied_at_once_and_emitted_once(service: Instance) -> None:
    async with SyncKairos(service.url) as client:
        session = await client.create(chess())
        assert session.state
        assert session.state["version"] == 1
        recorded = RecordedSession(session)
        await session.open()
        await session.start()
        assert recorded.version == 2
        result = await session.switch()
        await recorded.wait_for_version(result["version"])
        await session.pause()
        await session.resume(if_match=4)
        with pytest.raises(ApiError, match="If-Match"):
            await session.complete(if_match=4)
        added = await session.add_participant(
            {"participant_id": str(uuid4()), "total_time_ms": 9_000}
        )
        assert len(added["participants"]) == 3
        versions = [e.state["version"] for e in recorded.events if isinstance(e, Update)]
        assert versions == sorted(set(versions))
        assert versions[-1] == 6


@pytest.mark.parametrize("kind", _FALLBACKS)
async def test_an_absent_session_becomes_present_when_it_is_created(
    service: Instance, api: ApiClient, kind: TransportName
) -> None:
    session_id = str(uuid4())
    async with followed_session(service.url, session_id, kind) as recorded:
        assert (recorded.version, recorded.session.existence) == (0, "absent")
        await api.create(chess(session_id=session_id))
        await recorded.wait_for_version(1)


async def test_an_invalid_id_is_refused(service: Instance) -> None:
    async with SyncKairos(service.url) as client:
        with pytest.raises(ApiError) as raised:
            await client.session("nonsense").open()
    assert raised.value.status == 400


async def test_if_websockets_are_blocked_the_stream_is_used(
    blocking_proxy: LossyProxy, api: ApiClient
) -> None:
    blocking_proxy.blocked = ("/ws",)
    session_id = await api.created(chess())
    async with followed_session(blocking_proxy.url, session_id) as recorded:
        await recorded.wait_for_transport("sse")
        await api.do(session_id, "start")
        await recorded.wait_for_version(2)


async def test_if_all_transports_are_blocked_the_session_is_polled_until_one_works(
    blocking_proxy: LossyProxy, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synckairos.connector.UPGRADE_EVERY_MS", (100.0, 100.0))
    blocking_proxy.blocked = ("/ws", "/stream")
    session_id = await api.created(chess())
    async with followed_session(blocking_proxy.url, session_id) as recorded:
        await recorded.wait_for_transport("polling")
        await api.do(session_id, "start")
        await recorded.wait_for_version(2)
        blocking_proxy.blocked = ()
        await recorded.wait_for_transport("websocket")


async def test_the_stream_is_upgraded_to_a_websocket_without_an_interruption(
    blocking_proxy: LossyProxy, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synckairos.connector.UPGRADE_EVERY_MS", (100.0, 100.0))
    blocking_proxy.blocked = ("/ws",)
    async with followed_session(blocking_proxy.url, await api.created(chess())) as recorded:
        await recorded.wait_for_transport("sse")
        before = len(recorded.events)
        blocking_proxy.blocked = ()
        await recorded.wait_for_transport("websocket")
    states = [e.connection.status for e in recorded.events[before:] if isinstance(e, Changed)]
    assert states == ["live", "closed"]


async def test_clients_reconnect_after_a_restart_of_the_service(redis_url: str) -> None:
    port = free_port()
    async with AsyncExitStack() as stack:
        with running(redis_url, port=port) as first:
            async with api_client(first.url) as api:
                session_id = await api.created(chess())
            followers = {
                kind: await stack.enter_async_context(followed_session(first.url, session_id, kind))
                for kind in KINDS
            }
            for kind, recorded in followers.items():
                await recorded.wait_for_transport(kind)
        for recorded in followers.values():
            await recorded.wait_for_status("connecting")
        with running(redis_url, port=port) as again:
            async with api_client(again.url) as api:
                await api.do(session_id, "start")
            for kind, recorded in followers.items():
                await recorded.wait_for_version(2)
                await recorded.wait_for_transport(kind)
            await stack.aclose()


async def test_the_session_survives_an_outage_of_redis(redis_url: str) -> None:
    with (
        faulty_proxy(urlsplit(redis_url).port or 0) as proxy,
        running(f"redis://127.0.0.1:{proxy.port}", quiet=True) as instance,
    ):
        async with SyncKairos(instance.url) as client:
            session = await client.create(chess())
            recorded = RecordedSession(session)
            await session.open()
            await recorded.wait_for_transport("websocket")
            with proxy.suffering(Fault(name="away", resets=True, refuses=True)):
                with pytest.raises(ApiError):
                    await session.start(timeout=3.0)
                assert (recorded.version, session.existence) == (1, "present")
            await session.start()
            await recorded.wait_for_version(2)


async def test_a_missing_or_invalid_token_is_refused(
    service_with_authentication: Instance, host: ApiClient
) -> None:
    session_id = await host.created(chess())
    for token, status in ((None, 401), ("nonsense", 401)):
        async with SyncKairos(service_with_authentication.url, token) as client:
            session = client.session(session_id)
            with pytest.raises(ApiError) as raised:
                await session.open()
            assert raised.value.status == status
            assert (session.existence, session.connection.status) == ("refused", "closed")


async def test_clients_are_refused_when_their_token_expires(
    service_with_authentication: Instance, host: ApiClient
) -> None:
    session_id = await host.created(chess())
    token = tokens.spectator(session_id, lifetime_s=_BRIEF_S)

    async def follow(kind: TransportName) -> None:
        url = service_with_authentication.url
        async with followed_session(url, session_id, kind, token) as recorded:
            await recorded.wait_until(lambda: recorded.session.existence == "refused")
        assert recorded.session.refusal
        assert recorded.session.refusal.status == 401

    await asyncio.gather(*map(follow, KINDS))


async def test_clients_go_on_with_a_new_token(
    service_with_authentication: Instance, host: ApiClient
) -> None:
    async def follow(kind: TransportName) -> None:
        session_id = await host.created(chess())
        lifetimes = iter([_BRIEF_S, _BRIEF_S])
        was_called_again = asyncio.Event()

        async def token() -> str:
            lifetime_s = next(lifetimes, None)
            if lifetime_s is None:
                was_called_again.set()
            return tokens.spectator(session_id, lifetime_s=lifetime_s or tokens.HOUR)

        url = service_with_authentication.url
        async with followed_session(url, session_id, kind, token) as recorded:
            await was_called_again.wait()
            await host.do(session_id, "start")
            await recorded.wait_for_version(2)
            assert recorded.session.existence == "present"

    async with asyncio.timeout(30):
        await asyncio.gather(*map(follow, KINDS))


async def test_a_fairness_report_names_each_participant(service: Instance, api: ApiClient) -> None:
    session_id = await api.started(chess(lag={}))
    async with SyncKairos(service.url) as client:
        session = client.session(session_id)
        state = await session.open()
        assert state
        await session.switch()
        report = await session.fairness()
    names = [one["participant_id"] for one in report["participants"]]
    assert names == [p["participant_id"] for p in state["participants"]]
    assert [one["turns"] for one in report["participants"]] == [1, 0]


@pytest.mark.parametrize("kind", ["websocket", "sse"])
async def test_a_client_says_how_exact_its_clock_is_and_learns_who_is_connected(
    service: Instance, api: ApiClient, kind: TransportName
) -> None:
    session_id = await api.started(chess())
    reports: asyncio.Queue[Presence] = asyncio.Queue()
    async with SyncKairos(service.url, transport=kind) as client:
        await client.clock.sync()
        session = client.session(session_id)
        session.on("presence", lambda event: reports.put_nowait(event.presence))
        await session.open()
        await session.open(presence=True)
        async with asyncio.timeout(30):
            while (report := await reports.get())["summary"]["measured"] != 1:
                pass
        read = await session.presence()
    for presence in (report, read):
        (shown,) = presence["connections"]
        assert shown["transport"] == kind
        assert shown["round_trip_ms"] >= 0
        assert 0 <= shown["error_ms"] < 1_000


async def test_a_named_time_control_can_be_listed_and_played(service: Instance) -> None:
    players = [{"participant_id": one} for one in ("ada", "ben")]
    async with SyncKairos(service.url) as client:
        controls = await client.time_controls()
        chosen = next(one for one in controls if one["name"] == "us_chess_60_d5")
        body = {"sync_mode": "per_participant", "participants": players}
        session = await client.create(body | {"time_control": chosen["name"]})
        assert session.state
        assert session.state.get("time_control") == chosen["time_control"]
        assert session.remaining("ada") == chosen["total_time_ms"]


async def test_an_undo_is_applied_at_once(service: Instance, api: ApiClient) -> None:
    session_id = await api.started(chess())
    async with SyncKairos(service.url) as client:
        session = client.session(session_id)
        await session.open()
        await session.switch()
        undone = await session.undo("turn_start", reason="illegal move", if_version=3)
        assert (undone["version"], undone["cycle_number"]) == (4, 1)
        assert session.state == undone


async def test_a_host_stops_its_sessions_at_one_instant(service: Instance, api: ApiClient) -> None:
    first, second, unknown = await api.started(chess()), await api.started(chess()), str(uuid4())
    async with SyncKairos(service.url) as client:
        session = client.session(first)
        await session.open()
        state = await session.pause(effective_at=session.clock.now() + 30_000)
        assert state["scheduled"]["operation"] == "pause"
        assert 0 < (session.scheduled_in() or 0) <= 30_000
        assert session.state == state
        assert "scheduled" not in await session.unschedule()
        at = timestamp_of(session.clock.now() + 20_000)
        body = {"operation": "pause", "effective_at": at, "session_ids": [first, second, unknown]}
        *stopping, refused = await client.batch_commands(body)
        assert [entry["effective_at"] for entry in stopping] == [at, at]
        assert refused["error"]["code"] == "SESSION_NOT_FOUND"


async def test_a_host_lists_and_stops_the_sessions_of_a_room(
    service: Instance, api: ApiClient
) -> None:
    room: dict[str, str | int | bool] = {"room": f"a & {uuid4()}", "floor": 2, "rated": True}
    ids = [await api.started(chess(metadata=room)) for _ in range(3)]
    async with SyncKairos(service.url) as client:
        listed = [one async for one in client.list_sessions(metadata=room, limit=2)]
        assert [one["session_id"] for one in listed] == ids[::-1]
        page = await client.list_page(metadata=room, limit=2, status="running")
        assert page["next"] is not None
        rest = await client.list_page(metadata=room, created_after=listed[-1]["created_at"])
        assert [one["session_id"] for one in rest["sessions"]] == ids[:0:-1]
        stopped = await client.batch_commands({"operation": "pause", "metadata": room})
        assert [one["status"] for one in stopped] == ["paused"] * 3


async def test_participants_begin_and_finish_their_own_time(
    service: Instance, api: ApiClient
) -> None:
    people = [{"participant_id": name} for name in ("a/b", "ben", "cleo")]
    body = {"sync_mode": "individual", "total_time_ms": 60_000, "begins": "each"}
    session_id = await api.started({**body, "participants": people})
    async with SyncKairos(service.url) as client:
        session = client.session(session_id)
        await session.open()
        await session.begin("a/b")
        await session.begin("ben", "cleo")
        await session.adjust_clocks(add_ms=1_000, scaled=True)
        await session.pause_participant("ben", "a question")
        left = session.remaining("ben")
        await session.resume_participant("ben")
        await session.finish("a/b")
        await session.reopen("a/b", "by mistake")
        state = await session.finish("a/b")
        assert [one["state"] for one in state["participants"]] == ["finished", "running", "running"]
        assert [one["total_time_ms"] for one in state["participants"]] == [61_000] * 3
        assert session.state == state
        assert left is not None
        assert 0 < left <= 61_000


async def test_a_host_goes_to_an_item_of_a_programme(service: Instance, api: ApiClient) -> None:
    items = [{"item_id": name, "duration_ms": 60_000} for name in ("talk", "a/b")]
    session_id = await api.started({"sync_mode": "global", "items": items, "overtime": True})
    async with SyncKairos(service.url) as client:
        session = client.session(session_id)
        await session.open()
        there = await session.go("a/b", if_match=2)
        assert (there["active_item_id"], there["version"]) == ("a/b", 3)
        assert session.over() == 0
        assert session.offset() == there["offset_ms"]


async def test_a_host_corrects_a_session_and_its_participants(
    service: Instance, api: ApiClient
) -> None:
    body = chess()
    first, second = (one["participant_id"] for one in body["participants"])
    body["participants"].append({"participant_id": "a/b", "total_time_ms": 60_000})
    session_id = await api.created(body)
    async with SyncKairos(service.url) as client:
        session = client.session(session_id)
        await session.open()
        await session.adjust_clocks(add_ms=1_000)
        await session.adjust_clocks(set_ms=5_000, to={"participants": [second]}, reason="late")
        await session.update({"warn_at_ms": [2_000]})
        await session.update_participant("a/b", {"name": "Cleo", "is_retired": True})
        state = await session.remove_participant("a/b")
        assert [one["total_time_ms"] for one in state["participants"]] == [61_000, 5_000]
        assert state["warn_at_ms"] == [2_000]
        await session.start()
        state = await session.forfeit(first, "left")
        assert state["participants"][0]["has_expired"]
        assert session.state == state
