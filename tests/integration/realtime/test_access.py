"""Who may listen to a session's topic, and that nobody may speak there."""

import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from infra.local.realtime import LocalRealtime
from infra.local.supabase import PUBLISHABLE_KEY
from tests.integration.realtime.clients import BOTH_PROTOCOLS, asking, following
from tests.integration.realtime.project import MINUTE, Sender, message, subscription, token
from tests.support.tokens import WRONG_SECRET, bearer

pytestmark = pytest.mark.parametrize("kind", BOTH_PROTOCOLS)

_SHORT_S = 2


@pytest.fixture
def session() -> str:
    """The name of one."""
    return str(uuid4())


def _subscription(server: LocalRealtime, session: str, **claims: Any) -> dict[str, Any]:
    return subscription(server, f"session:{session}", token(server, session, **claims))


async def _refusal(kind: str, asked: dict[str, Any]) -> str:
    async with asking(kind, asked) as client:
        told = await client.next("status")
        assert told["status"] == "CHANNEL_ERROR", told
        return str(told["reason"])


async def test_not_with_a_token_of_another_session(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    asked = _subscription(supabase_realtime, session, sync_session=str(uuid4()))
    assert "Unauthorized: You do not have permissions" in await _refusal(kind, asked)


@pytest.mark.parametrize("claimed", ["theirs:{}", "{}"])
async def test_not_with_one_of_the_same_id_elsewhere(
    supabase_realtime: LocalRealtime, session: str, kind: str, claimed: str
) -> None:
    topic = f"session:ours:{session}"
    of_another_tenant = token(supabase_realtime, claimed.format(session))
    refused = await _refusal(kind, subscription(supabase_realtime, topic, of_another_tenant))
    assert "Unauthorized: You do not have permissions" in refused


async def test_not_with_an_expired_one(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    asked = _subscription(supabase_realtime, session, exp=int(time.time()) - MINUTE)
    assert "InvalidJWTToken: Token has expired 6" in await _refusal(kind, asked)


async def test_not_with_one_that_somebody_else_signed(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    claims = {"role": "authenticated", "exp": time.time() + MINUTE, "sync_session": session}
    forged = jwt.encode(claims, WRONG_SECRET, "HS256")
    asked = subscription(supabase_realtime, f"session:{session}", forged)
    assert "JwtSignatureError" in await _refusal(kind, asked)


async def test_not_without_one(supabase_realtime: LocalRealtime, session: str, kind: str) -> None:
    asked = subscription(supabase_realtime, f"session:{session}")
    assert "Unauthorized: You do not have permissions" in await _refusal(kind, asked)


async def test_the_end_of_a_token_ends_it_unless_there_is_another(
    supabase_realtime: LocalRealtime, sender: Sender, session: str, kind: str
) -> None:
    short = _subscription(supabase_realtime, session, exp=int(time.time()) + 1 + _SHORT_S)
    async with following(kind, short) as renewed, following(kind, short) as left_alone:
        await renewed.set_auth(token(supabase_realtime, session))
        await left_alone.until_status("CLOSED")
        await sender.mark(f"session:{session}")
        assert (await renewed.next("event"))["event"] == "mark"


async def test_a_token_of_another_session_ends_it(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    async with following(kind, _subscription(supabase_realtime, session)) as client:
        await client.set_auth(token(supabase_realtime, str(uuid4())))
        await client.until_status("CLOSED")


async def test_who_has_left_is_out(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    async with following(kind, _subscription(supabase_realtime, session)) as client:
        await client.leave()
        await client.until_status("CLOSED")


async def test_a_listener_can_t_speak(
    supabase_realtime: LocalRealtime, sender: Sender, session: str, kind: str
) -> None:
    asked = _subscription(supabase_realtime, session)
    async with following(kind, asked) as client, following("python", asked) as witness:
        await client.send("STATE_UPDATE", {"type": "STATE_UPDATE"})
        if kind != "python":  # which doesn't wait for an answer
            assert (await client.next("answer"))["answer"] == "timed out"
        keys = {"apikey": PUBLISHABLE_KEY, **bearer(asked["token"])}
        one = await sender.single(asked["topic"], "STATE_UPDATE", {}, keys)
        assert one.status_code == 403
        batch = await sender.batch(message(asked["topic"], "STATE_UPDATE"), headers=keys)
        assert batch.status_code == 202  # and drops it
        await sender.mark(asked["topic"])
        assert (await witness.next("event"))["event"] == "mark"
        assert (await client.next("event"))["event"] == "mark"


async def test_a_listener_can_t_be_present(
    supabase_realtime: LocalRealtime, sender: Sender, session: str, kind: str
) -> None:
    asked = _subscription(supabase_realtime, session)
    async with following(kind, asked, presence=True) as client:
        await client.track({"name": "Mallory"})
        if kind != "python":
            assert (await client.next("answer"))["answer"] == "error"
        await sender.mark(asked["topic"])
        assert (await client.next("event"))["event"] == "mark"
        assert client.has_not("presence")


async def test_the_public_twin_of_a_topic_is_another_one(
    supabase_realtime: LocalRealtime, sender: Sender, session: str, kind: str
) -> None:
    asked = _subscription(supabase_realtime, session)
    async with (
        following(kind, asked, private=False) as eavesdropper,
        following(kind, asked) as listener,
    ):
        await eavesdropper.send("STATE_UPDATE", {"type": "STATE_UPDATE"})
        if kind != "python":
            assert (await eavesdropper.next("answer"))["answer"] == "ok"
        sent = await sender.single(asked["topic"], "TIME_EXPIRED", {})
        assert sent.status_code == 202
        assert (await listener.next("event"))["event"] == "TIME_EXPIRED"
        for client, private in ((eavesdropper, False), (listener, True)):
            await sender.mark(asked["topic"], private=private)
            assert (await client.next("event"))["event"] == "mark"
