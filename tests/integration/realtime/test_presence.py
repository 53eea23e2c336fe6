"""Presence in the emulator: shared within a topic, and only where policies allow it."""

import pytest

from infra.local.realtime import LocalRealtime
from infra.local.supabase import SECRET_KEY
from tests.integration.realtime.project import token
from tests.integration.realtime.wire import raw_client

pytestmark = pytest.mark.parametrize("version", [1, 2])

_TOPIC = "realtime:room"


async def test_presence_is_shared(supabase_realtime: LocalRealtime, version: int) -> None:
    async with (
        raw_client(supabase_realtime, version) as ada,
        raw_client(supabase_realtime, version) as bob,
    ):
        await ada.join(_TOPIC, presence={"enabled": True, "key": "ada"})
        assert (await ada.receive())["payload"] == {}
        await ada.send(_TOPIC, "presence", {"event": "track", "payload": {"at": "home"}})
        joined = (await ada.until("presence_diff"))["payload"]
        assert joined["leaves"] == {}
        assert joined["joins"]["ada"]["metas"][0]["at"] == "home"
        await bob.join(_TOPIC, presence={"enabled": True, "key": "bob"})
        assert (await bob.receive())["payload"] == joined["joins"]
        await ada.send(_TOPIC, "presence", {"event": "track", "payload": {"at": "work"}})
        moved = (await bob.until("presence_diff"))["payload"]
        assert moved["leaves"] == joined["joins"]
        ref = joined["joins"]["ada"]["metas"][0]["phx_ref"]
        assert moved["joins"]["ada"]["metas"][0]["phx_ref_prev"] == ref
        await ada.socket.close()
        assert (await bob.until("presence_diff"))["payload"]["leaves"] == moved["joins"]


async def test_policies_control_presence(supabase_realtime: LocalRealtime, version: int) -> None:
    topic, listener_token = "realtime:session:1", token(supabase_realtime, "1")
    async with raw_client(supabase_realtime, version, SECRET_KEY) as backend:
        await backend.join(topic, private=True, presence={"enabled": True, "key": "backend"})
        await backend.send(topic, "presence", {"event": "track", "payload": {}})
        await backend.until("presence_diff")
        async with raw_client(supabase_realtime, version) as client:
            await client.join(topic, listener_token, private=True, presence={"enabled": True})
            assert await client.receives_nothing()  # the presence state isn't sent either
            ref = await client.send(topic, "presence", {"event": "track", "payload": {}})
            assert (await client.reply_to(ref))["status"] == "error"
            await backend.send(topic, "presence", {"event": "untrack"})
            gone = (await backend.until("presence_diff"))["payload"]
            assert list(gone["leaves"]) == ["backend"]
            assert await client.receives_nothing()
