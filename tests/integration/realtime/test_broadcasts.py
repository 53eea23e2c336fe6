"""The emulator delivers broadcasts to the right clients and in the real server's format."""

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime
from infra.local.supabase import SECRET_KEY
from tests.integration.realtime.project import Sender, message, token
from tests.integration.realtime.wire import frame, raw_client

pytestmark = pytest.mark.parametrize("version", [1, 2])

_TOPIC = "realtime:room"


async def test_a_broadcast_reaches_all_other_clients(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with (
        raw_client(supabase_realtime, version) as one,
        raw_client(supabase_realtime, version) as two,
    ):
        await one.join(_TOPIC)
        await two.join(_TOPIC)
        await one.broadcast(_TOPIC, "said", {"word": "hé"})
        expected = {"type": "broadcast", "event": "said", "payload": {"word": "hé"}}
        assert await two.receive() == frame(version, _TOPIC, "broadcast", expected)
        assert await one.receives_nothing()


async def test_self_and_ack_options_return_the_broadcast_and_a_reply(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        await client.join(_TOPIC, broadcast={"self": True, "ack": True})
        ref = await client.broadcast(_TOPIC, "said")
        assert (await client.receive())["event"] == "broadcast"
        assert (await client.reply_to(ref))["status"] == "ok"


async def test_a_message_sent_from_sql_arrives_after_its_commit(
    supabase_realtime: LocalRealtime, postgres: EmbeddedPostgres, version: int
) -> None:
    async with (
        raw_client(supabase_realtime, version) as client,
        await psycopg.AsyncConnection.connect(postgres.url) as connection,
    ):
        own = token(supabase_realtime, "1")
        await client.join("realtime:session:1", own, private=True)
        send = "select realtime.send(%s::jsonb, 'sql', 'session:1')"
        await connection.execute(send, ('{"n": 1}',))
        await connection.rollback()
        await connection.execute(send, ('{"n": 2}',))
        assert await client.receives_nothing()
        await connection.commit()
        received = (await client.receive())["payload"]
        assert (received["event"], received["payload"]["n"]) == ("sql", 2)
        assert received["meta"]["id"] == received["payload"]["id"]


async def test_the_secret_key_may_do_everything(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    listener_token = token(supabase_realtime, "1")
    async with (
        raw_client(supabase_realtime, version, SECRET_KEY) as backend,
        raw_client(supabase_realtime, version) as client,
    ):
        await backend.join("realtime:session:1", private=True)
        await client.join("realtime:session:1", listener_token, private=True)
        await backend.broadcast("realtime:session:1", "said")
        assert (await client.receive())["payload"]["event"] == "said"


async def test_broadcasts_are_binary_in_the_cases_of_the_real_server(
    supabase_realtime: LocalRealtime, sender: Sender, version: int
) -> None:
    async with (
        raw_client(supabase_realtime, version) as client,
        raw_client(supabase_realtime, 2) as other,
    ):
        await client.join(_TOPIC)
        await other.join(_TOPIC)
        await sender.batch(message("room", "batch", {"n": 1}, private=False))
        assert "is_binary" not in await client.receive()
        await sender.single("room", "single", {"n": 1}, private=False)
        assert ("is_binary" in await client.receive()) == (version == 2)
        await other.receive()
        await other.receive()
        await other.broadcast_binary(_TOPIC, "json", b'{"n": 1}', is_json=True)
        assert ("is_binary" in (received := await client.receive())) == (version == 2)
        assert received["payload"]["payload"] == {"n": 1}
        await other.broadcast_binary(_TOPIC, "bytes", b"\x00\xff", is_json=False)
        if version == 2:
            assert (await client.receive())["payload"]["payload"] == b"\x00\xff"
        assert await client.receives_nothing()
