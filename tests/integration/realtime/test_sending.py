"""The emulator's HTTP API: which keys may send broadcasts, and how invalid requests are refused."""

import json
import time
from typing import Any

import jwt
import pytest

from infra.local.realtime import LocalRealtime
from infra.local.supabase import JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY
from tests.integration.realtime.project import Sender, message, token
from tests.integration.realtime.wire import raw_client
from tests.support.tokens import bearer

_SERVICE_ROLE = jwt.encode({"role": "service_role", "exp": time.time() + 3600}, JWT_SECRET)
_EXPIRED = jwt.encode({"role": "service_role", "exp": 1}, JWT_SECRET)


@pytest.mark.parametrize(
    "headers", [{"apikey": SECRET_KEY}, {"apikey": _SERVICE_ROLE, **bearer(_SERVICE_ROLE)}]
)
async def test_a_backend_sends_to_private_topics(
    supabase_realtime: LocalRealtime, sender: Sender, headers: dict[str, str]
) -> None:
    async with raw_client(supabase_realtime) as client:
        await client.join("realtime:session:1", token("1"), private=True)
        sent = await sender.batch(
            message("session:1", "one", {"n": 1}),
            message("session:2", "elsewhere"),
            message("session:1", "two", {"n": 2}),
            headers=headers,
        )
        assert (sent.status_code, sent.content) == (202, b"")
        received = [(await client.receive())["payload"] for _ in range(2)]
    assert [(one["event"], one["payload"]["n"]) for one in received] == [("one", 1), ("two", 2)]


@pytest.mark.parametrize(
    "headers",
    [
        {"apikey": ""},
        {"apikey": "sb_secret_of_another_project"},
        {"apikey": _EXPIRED},
        {"apikey": "", **bearer(_SERVICE_ROLE)},
        {"apikey": PUBLISHABLE_KEY, **bearer(_EXPIRED)},
    ],
)
async def test_other_keys_are_unauthorized(sender: Sender, headers: dict[str, str]) -> None:
    sent = await sender.batch(message("session:1", "one"), headers=headers)
    assert (sent.status_code, sent.json()) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"topic": "", "event": "e", "payload": {}},
        {"topic": "t", "event": 1, "payload": {}},
        {"topic": "t", "event": "e", "payload": [1]},
        {"topic": "t", "event": "e", "payload": {}, "private": "yes"},
        "text",
    ],
)
async def test_a_batch_with_one_wrong_message_is_not_sent(
    supabase_realtime: LocalRealtime, sender: Sender, wrong: Any
) -> None:
    async with raw_client(supabase_realtime) as client:
        await client.join("realtime:room")
        sent = await sender.batch(message("room", "good", private=False), wrong)
        assert sent.status_code == 422
        assert await client.receives_nothing()


@pytest.mark.parametrize(
    ("body", "status"), [(b"{}", 422), (b"[]", 422), (b'{"messages": []}', 422), (b"{", 400)]
)
async def test_an_invalid_body_is_refused(sender: Sender, body: bytes, status: int) -> None:
    sent = await sender.http.post("/realtime/v1/api/broadcast", content=body)
    assert sent.status_code == status


async def test_unusual_unicode_text_is_delivered_unchanged(
    supabase_realtime: LocalRealtime, sender: Sender
) -> None:
    text = r'{"lone": "\ud800", "astral": "é😀", "zero": "\u0000"}'
    async with raw_client(supabase_realtime, 1) as one, raw_client(supabase_realtime, 2) as two:
        await one.join("realtime:room")
        await two.join("realtime:room")
        body = f'{{"messages": [{{"topic": "room", "event": "said", "payload": {text}}}]}}'
        sent = await sender.http.post("/realtime/v1/api/broadcast", content=body.encode())
        assert sent.status_code == 202
        for client in (one, two):
            assert (await client.receive())["payload"]["payload"] == json.loads(text)
