"""Only a session's token lets a client listen to its topic, and only a backend sends there."""

import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from infra.local.realtime import LocalRealtime
from infra.local.supabase import PUBLISHABLE_KEY
from tests.integration.realtime.clients import ONE_CLIENT_PER_PROTOCOL, joining, subscribed
from tests.integration.realtime.project import MINUTE_S, Sender, message, subscription, token
from tests.support.tokens import WRONG_SECRET, bearer

pytestmark = pytest.mark.parametrize("kind", ONE_CLIENT_PER_PROTOCOL)

_SHORT_LIFETIME_S = 5


@pytest.fixture
def session() -> str:
    """A new session's name."""
    return str(uuid4())


def _subscription(server: LocalRealtime, session: str, **claims: Any) -> dict[str, Any]:
    return subscription(server, f"session:{session}", token(session, **claims))


async def _refusal(kind: str, subscription: dict[str, Any]) -> str:
    async with joining(kind, subscription) as client:
        report = await client.next("status")
        assert report["status"] == "CHANNEL_ERROR", report
        return str(report["reason"])


async def test_a_token_of_another_session_is_refused(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    requested = _subscription(supabase_realtime, session, sync_session=str(uuid4()))
    assert "Unauthorized: You do not have permissions" in await _refusal(kind, requested)


@pytest.mark.parametrize("claimed_session", ["theirs:{}", "{}"])
async def test_a_token_of_another_tenant_s_session_with_the_same_id_is_refused(
    supabase_realtime: LocalRealtime, session: str, kind: str, claimed_session: str
) -> None:
    topic = f"session:ours:{session}"
    of_another_tenant = token(claimed_session.format(session))
    refused = await _refusal(kind, subscription(supabase_realtime, topic, of_another_tenant))
    assert "Unauthorized: You do not have permissions" in refused


async def test_an_expired_token_is_refused(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    requested = _subscription(supabase_realtime, session, exp=int(time.time()) - MINUTE_S)
    assert "InvalidJWTToken: Token has expired 6" in await _refusal(kind, requested)


async def test_a_token_with_a_wrong_signature_is_refused(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    claims = {"role": "authenticated", "exp": time.time() + MINUTE_S, "sync_session": session}
    forged = jwt.encode(claims, WRONG_SECRET, "HS256")
    requested = subscription(supabase_realtime, f"session:{session}", forged)
    assert "JwtSignatureError" in await _refusal(kind, requested)


async def test_joining_without_a_token_is_refused(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    requested = subscription(supabase_realtime, f"session:{session}")
    assert "Unauthorized: You do not have permissions" in await _refusal(kind, requested)


async def test_a_subscription_ends_with_its_token_unless_the_token_is_renewed(
    supabase_realtime: LocalRealtime, sender: Sender, session: str, kind: str
) -> None:
    requested = _subscription(supabase_realtime, session)
    async with subscribed(kind, requested) as renewed, subscribed(kind, requested) as not_renewed:
        short_lived = token(session, exp=int(time.time()) + 1 + _SHORT_LIFETIME_S)
        for client in (renewed, not_renewed):
            await client.set_auth(short_lived)
        await renewed.set_auth(token(session))
        await not_renewed.until_status("CLOSED")
        await sender.mark(f"session:{session}")
        assert (await renewed.next("event"))["event"] == "mark"


async def test_setting_another_session_s_token_ends_the_subscription(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    async with subscribed(kind, _subscription(supabase_realtime, session)) as client:
        await client.set_auth(token(str(uuid4())))
        await client.until_status("CLOSED")


async def test_leaving_closes_the_channel(
    supabase_realtime: LocalRealtime, session: str, kind: str
) -> None:
    async with subscribed(kind, _subscription(supabase_realtime, session)) as client:
        await client.leave()
        await client.until_status("CLOSED")


async def test_a_listener_can_not_send(
    supabase_realtime: LocalRealtime, sender: Sender, session: str, kind: str
) -> None:
    requested = _subscription(supabase_realtime, session)
    async with subscribed(kind, requested) as client:
        keys = {"apikey": PUBLISHABLE_KEY, **bearer(requested["token"])}
        batch = await sender.batch(message(requested["topic"], "STATE_UPDATE"), headers=keys)
        assert batch.status_code == 202  # accepted, but dropped
        await sender.mark(requested["topic"])
        assert (await client.next("event"))["event"] == "mark"


async def test_a_public_topic_of_the_same_name_is_separate(
    supabase_realtime: LocalRealtime, sender: Sender, session: str, kind: str
) -> None:
    requested = _subscription(supabase_realtime, session)
    async with (
        subscribed(kind, requested, private=False) as eavesdropper,
        subscribed(kind, requested) as listener,
    ):
        await sender.batch(message(requested["topic"], "STATE_UPDATE", private=False))
        await sender.batch(message(requested["topic"], "TIME_EXPIRED"))
        assert (await eavesdropper.next("event"))["event"] == "STATE_UPDATE"
        assert (await listener.next("event"))["event"] == "TIME_EXPIRED"
        for client, private in ((eavesdropper, False), (listener, True)):
            await sender.mark(requested["topic"], private=private)
            assert (await client.next("event"))["event"] == "mark"
