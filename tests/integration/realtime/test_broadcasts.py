"""What is said in topics of the stand-in, by whom and in which form."""

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime
from infra.local.supabase import SECRET_KEY
from tests.integration.realtime.project import Sender, message, token
from tests.integration.realtime.wire import frame, wire

pytestmark = pytest.mark.parametrize("version", [1, 2])

_TOPIC = "realtime:room"


async def test_what_is_said_reaches_the_others(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with wire(supabase_realtime, version) as one, wire(supabase_realtime, version) as two:
        await one.join(_TOPIC)
        await two.join(_TOPIC)
        await one.broadcast(_TOPIC, "said", {"word": "hé"})
        said = {"type": "broadcast", "event": "said", "payload": {"word": "hé"}}
        assert await two.receive() == frame(version, _TOPIC, "broadcast", said)
        assert await one.is_silent()


async def test_one_hears_oneself_and_is_answered_if_one_wants_to(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with wire(supabase_realtime, version) as client:
        await client.join(_TOPIC, broadcast={"self": True, "ack": True})
        ref = await client.broadcast(_TOPIC, "said")
        assert (await client.receive())["event"] == "broadcast"
        assert (await client.answer_to(ref))["status"] == "ok"


async def test_what_sql_sends_arrives_once_it_is_committed(
    supabase_realtime: LocalRealtime, postgres: EmbeddedPostgres, version: int
) -> None:
    async with (
        wire(supabase_realtime, version) as client,
        await psycopg.AsyncConnection.connect(postgres.url) as connection,
    ):
        own = token(supabase_realtime, "1")
        await client.join("realtime:session:1", own, private=True)
        send = "select realtime.send(%s::jsonb, 'sql', 'session:1')"
        await connection.execute(send, ('{"n": 1}',))
        await connection.rollback()
        await connection.execute(send, ('{"n": 2}',))
        assert await client.is_silent()
        await connection.commit()
        said = (await client.receive())["payload"]
        assert (said["event"], said["payload"]["n"]) == ("sql", 2)
        assert said["meta"]["id"] == said["payload"]["id"]


async def test_the_secret_key_may_do_everything(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    listens = token(supabase_realtime, "1")
    async with (
        wire(supabase_realtime, version, SECRET_KEY) as backend,
        wire(supabase_realtime, version) as client,
    ):
        await backend.join("realtime:session:1", private=True)
        await client.join("realtime:session:1", listens, private=True)
        await backend.broadcast("realtime:session:1", "said")
        assert (await client.receive())["payload"]["event"] == "said"


async def test_broadcasts_are_binary_where_the_real_ones_are(
    supabase_realtime: LocalRealtime, sender: Sender, version: int
) -> None:
    async with wire(supabase_realtime, version) as client, wire(supabase_realtime, 2) as other:
        await client.join(_TOPIC)
        await other.join(_TOPIC)
        await sender.batch(message("room", "batch", {"n": 1}, private=False))
        assert "is_binary" not in await client.receive()
        await sender.single("room", "single", {"n": 1}, private=False)
        assert ("is_binary" in await client.receive()) == (version == 2)
        await other.receive()
        await other.receive()
        await other.push(_TOPIC, "json", b'{"n": 1}', is_json=True)
        assert ("is_binary" in (said := await client.receive())) == (version == 2)
        assert said["payload"]["payload"] == {"n": 1}
        await other.push(_TOPIC, "bytes", b"\x00\xff", is_json=False)
        if version == 2:
            assert (await client.receive())["payload"]["payload"] == b"\x00\xff"
        assert await client.is_silent()
