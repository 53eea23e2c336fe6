"""Who is present in a topic of the stand-in."""

import pytest

from infra.local.realtime import LocalRealtime
from infra.local.supabase import SECRET_KEY
from tests.integration.realtime.project import token
from tests.integration.realtime.wire import wire

pytestmark = pytest.mark.parametrize("version", [1, 2])

_TOPIC = "realtime:room"


async def test_presence_is_shared(supabase_realtime: LocalRealtime, version: int) -> None:
    async with wire(supabase_realtime, version) as ada, wire(supabase_realtime, version) as bob:
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


async def test_it_is_the_policies_that_allow_it(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    topic, listens = "realtime:session:1", token(supabase_realtime, "1")
    async with wire(supabase_realtime, version, SECRET_KEY) as backend:
        await backend.join(topic, private=True, presence={"enabled": True, "key": "backend"})
        await backend.send(topic, "presence", {"event": "track", "payload": {}})
        await backend.until("presence_diff")
        async with wire(supabase_realtime, version) as client:
            await client.join(topic, listens, private=True, presence={"enabled": True})
            assert await client.is_silent()  # it isn't even told who is there
            ref = await client.send(topic, "presence", {"event": "track", "payload": {}})
            assert (await client.answer_to(ref))["status"] == "error"
            await backend.send(topic, "presence", {"event": "untrack"})
            gone = (await backend.until("presence_diff"))["payload"]
            assert list(gone["leaves"]) == ["backend"]
            assert await client.is_silent()
