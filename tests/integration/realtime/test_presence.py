"""Presence of the local Realtime, as the real server sends it."""

from typing import Any
from uuid import uuid4

import pytest

from infra.local.realtime import LocalRealtime
from shared.application.authorization import Role
from shared.http.supabase_presence import presence_topic
from tests.integration.realtime.project import token
from tests.integration.realtime.wire import RawClient, raw_client

_WITH_PRESENCE = {"private": True, "presence": {"key": "", "enabled": True}}


@pytest.fixture
def session() -> str:
    """A session of its own for each test."""
    return str(uuid4())


def _topic(session: str, role: Role = Role.PARTICIPANT) -> str:
    return f"realtime:{presence_topic(session, role)}"


def _reader(session: str) -> str:
    return token(session, sync_role="host", sync_presence="read")


def _shown(session: str) -> str:
    return token(session, sync_role="participant")


async def _state(client: RawClient) -> Any:
    frame = await client.receive()
    assert frame["event"] == "presence_state", frame
    return frame["payload"]


async def _diff(client: RawClient) -> tuple[Any, Any]:
    frame = await client.receive()
    assert frame["event"] == "presence_diff", frame
    return frame["payload"]["joins"], frame["payload"]["leaves"]


async def _track(client: RawClient, topic: str, payload: Any) -> str:
    return await client.send(topic, "presence", {"event": "track", "payload": payload})


async def _show(client: RawClient, session: str, payload: dict[str, Any]) -> None:
    await client.join(_topic(session), _shown(session), **_WITH_PRESENCE)
    answer = await client.reply_to(await _track(client, _topic(session), payload))
    assert answer["status"] == "ok", answer


@pytest.mark.parametrize("version", [1, 2])
async def test_a_reader_gets_the_state_and_then_each_change(
    supabase_realtime: LocalRealtime, session: str, version: int
) -> None:
    topic = _topic(session)
    async with (
        raw_client(supabase_realtime, version) as reader,
        raw_client(supabase_realtime, version) as late,
        raw_client(supabase_realtime, version) as screen,
    ):
        await reader.join(topic, _reader(session), **_WITH_PRESENCE)
        assert await _state(reader) == {}

        await _show(screen, session, {"error_ms": 30})
        joins, leaves = await _diff(reader)
        [(key, shown)] = joins.items()
        [first] = shown["metas"]
        assert (first["error_ms"], leaves) == (30, {})

        await _track(screen, topic, {"error_ms": 9})
        joins, leaves = await _diff(reader)
        [second] = joins[key]["metas"]
        assert second == {
            "error_ms": 9,
            "phx_ref": second["phx_ref"],
            "phx_ref_prev": first["phx_ref"],
        }
        assert leaves == {key: {"metas": [first]}}

        await late.join(topic, _reader(session), **_WITH_PRESENCE)
        assert await _state(late) == {key: {"metas": [second]}}

        await screen.send(topic, "presence", {"event": "untrack"})
        assert await _diff(reader) == ({}, {key: {"metas": [second]}})


async def test_a_client_that_disconnects_is_shown_no_longer(
    supabase_realtime: LocalRealtime, session: str
) -> None:
    async with raw_client(supabase_realtime) as reader:
        await reader.join(_topic(session), _reader(session), **_WITH_PRESENCE)
        await _state(reader)
        async with raw_client(supabase_realtime) as screen:
            await _show(screen, session, {})
            joins, _ = await _diff(reader)
        assert await _diff(reader) == ({}, joins)


async def test_who_is_only_shown_gets_no_presence(
    supabase_realtime: LocalRealtime, session: str
) -> None:
    async with raw_client(supabase_realtime) as one, raw_client(supabase_realtime) as other:
        await _show(one, session, {"of": "one"})
        await _show(other, session, {"of": "other"})
        assert await one.receives_nothing()
        assert await other.receives_nothing()


async def test_a_client_that_is_shown_without_asking_for_presence_gets_none_either(
    supabase_realtime: LocalRealtime, session: str
) -> None:
    async with raw_client(supabase_realtime) as screen:
        await screen.join(_topic(session), _shown(session), private=True)
        answer = await screen.reply_to(await _track(screen, _topic(session), {"a": 1}))
        assert answer["status"] == "ok"
        assert await screen.receives_nothing()


async def test_the_same_payload_again_changes_nothing(
    supabase_realtime: LocalRealtime, session: str
) -> None:
    async with raw_client(supabase_realtime) as reader, raw_client(supabase_realtime) as screen:
        await reader.join(_topic(session), _reader(session), **_WITH_PRESENCE)
        await _state(reader)
        await _show(screen, session, {"a": 1})
        await _diff(reader)
        answer = await screen.reply_to(await _track(screen, _topic(session), {"a": 1}))
        assert answer["status"] == "ok"
        assert await reader.receives_nothing()


async def test_a_reader_is_not_shown_in_another_role(
    supabase_realtime: LocalRealtime, session: str
) -> None:
    async with raw_client(supabase_realtime) as reader:
        await reader.join(_topic(session), _reader(session), **_WITH_PRESENCE)
        await _state(reader)
        answer = await reader.reply_to(await _track(reader, _topic(session), {}))
        assert answer == {"status": "error", "response": {}}


async def test_a_payload_must_be_an_object(supabase_realtime: LocalRealtime, session: str) -> None:
    async with raw_client(supabase_realtime) as screen:
        await _show(screen, session, {})
        answer = await screen.reply_to(await _track(screen, _topic(session), [1]))
        assert answer["response"] == {"reason": "Presence track payload must be a map"}


async def test_the_sixth_change_within_30_s_ends_the_channel(
    supabase_realtime: LocalRealtime, session: str
) -> None:
    async with raw_client(supabase_realtime) as screen:
        await _show(screen, session, {"n": 1})
        for number in range(2, 6):
            await screen.reply_to(await _track(screen, _topic(session), {"n": number}))
        await _track(screen, _topic(session), {"n": 6})
        system = await screen.receive()
        assert system["payload"]["message"] == "Client presence rate limit exceeded"
        assert (await screen.receive())["event"] == "phx_close"
        await screen.join(_topic(session), _shown(session), **_WITH_PRESENCE)


async def test_a_new_token_without_the_right_to_read_ends_a_reader_s_channel(
    supabase_realtime: LocalRealtime, session: str
) -> None:
    topic = _topic(session, Role.HOST)
    async with raw_client(supabase_realtime) as reader:
        await reader.join(topic, _reader(session), **_WITH_PRESENCE)
        await _state(reader)
        weaker = token(session, sync_role="host")
        await reader.send(topic, "access_token", {"access_token": weaker})
        system = await reader.receive()
        assert "no longer have permission" in system["payload"]["message"]
        assert (await reader.receive())["event"] == "phx_close"
