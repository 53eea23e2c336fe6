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

_BLANK, _INVALID = ["can't be blank"], ["is invalid"]
_SERVICE_ROLE = jwt.encode({"role": "service_role", "exp": time.time() + 3600}, JWT_SECRET)
_EXPIRED = jwt.encode({"role": "service_role", "exp": 1}, JWT_SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {"apikey": SECRET_KEY},
        {"apikey": SECRET_KEY, **bearer(SECRET_KEY)},
        {"apikey": _SERVICE_ROLE},
        {"apikey": PUBLISHABLE_KEY, **bearer(_SERVICE_ROLE)},
    ],
)
async def test_a_backend_sends_to_private_topics(
    supabase_realtime: LocalRealtime, sender: Sender, headers: dict[str, str]
) -> None:
    async with raw_client(supabase_realtime) as client:
        listener_token = token(supabase_realtime, "1")
        await client.join("realtime:session:1", listener_token, private=True)
        sent = await sender.batch(
            message("session:1", "one", {"n": 1}) | {"id": "first"},
            message("session:1", "two", {"n": 2}),
            message("session:2", "elsewhere"),
            headers=headers,
        )
        assert (sent.status_code, sent.content) == (202, b"")
        sent = await sender.single("session:1", "three", {"n": 3}, headers)
        assert (sent.status_code, sent.content) == (202, b"")
        received = [(await client.receive())["payload"] for _ in range(3)]
    assert [(one["event"], one["payload"]["n"]) for one in received] == [
        ("one", 1),
        ("two", 2),
        ("three", 3),
    ]
    assert [one.get("meta") for one in received] == [{"id": "first"}, None, None]


@pytest.mark.parametrize(
    "headers",
    [
        {"apikey": ""},
        {"apikey": "sb_secret_of_another_project"},
        {"apikey": _EXPIRED},
        {"apikey": "", **bearer(_SERVICE_ROLE)},
        {"apikey": PUBLISHABLE_KEY, **bearer(_EXPIRED)},
        {"apikey": PUBLISHABLE_KEY, **bearer(SECRET_KEY)},
        {"apikey": SECRET_KEY, **bearer("x")},
    ],
)
async def test_other_keys_are_unauthorized(sender: Sender, headers: dict[str, str]) -> None:
    sent = await sender.batch(message("session:1", "one"), headers=headers)
    assert (sent.status_code, sent.json()) == (401, {"message": "Unauthorized"})
    sent = await sender.single("session:1", "one", {}, headers)
    assert (sent.status_code, sent.json()) == (401, {"message": "Unauthorized"})


async def test_a_forbidden_message_is_refused_alone_and_dropped_in_a_batch(
    supabase_realtime: LocalRealtime, sender: Sender
) -> None:
    listener_token = token(supabase_realtime, "1")
    keys = {"apikey": PUBLISHABLE_KEY, **bearer(listener_token)}
    async with raw_client(supabase_realtime) as client:
        await client.join("realtime:session:1", listener_token, private=True)
        await client.join("realtime:room")
        alone = await sender.single("session:1", "one", {}, keys)
        assert (alone.status_code, alone.json()) == (403, {"message": "Unauthorized"})
        batch = await sender.batch(
            message("session:1", "one"), message("room", "two", private=False), headers=keys
        )
        assert batch.status_code == 202
        assert (await client.receive())["payload"]["event"] == "two"
        assert await client.receives_nothing()


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        ({}, {"topic": _BLANK, "event": _BLANK, "payload": _BLANK}),
        ({"topic": "", "event": "e", "payload": {}}, {"topic": _BLANK}),
        ({"topic": "t", "event": 1, "payload": {}}, {"event": _INVALID}),
        ({"topic": "t", "event": "e", "payload": [1]}, {"payload": _INVALID}),
        ({"topic": "t", "event": "e", "payload": None}, {"payload": _BLANK}),
        ({"topic": "t", "event": "e", "payload": {}, "private": "yes"}, {"private": _INVALID}),
        ("text", {"topic": _BLANK, "event": _BLANK, "payload": _BLANK}),
    ],
)
async def test_a_batch_with_one_wrong_message_is_not_sent(
    supabase_realtime: LocalRealtime, sender: Sender, wrong: Any, faults: dict[str, list[str]]
) -> None:
    async with raw_client(supabase_realtime) as client:
        await client.join("realtime:room")
        sent = await sender.batch(message("room", "good", private=False), wrong)
        assert (sent.status_code, sent.json()) == (422, {"errors": {"messages": [{}, faults]}})
        assert await client.receives_nothing()


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"messages": []}', b'{"messages": {}}'])
async def test_a_batch_without_messages_is_refused(sender: Sender, body: bytes) -> None:
    sent = await sender.http.post("/realtime/v1/api/broadcast", content=body)
    assert (sent.status_code, sent.json()) == (422, {"errors": {"messages": _BLANK}})


async def test_a_body_that_is_not_json_is_refused(sender: Sender) -> None:
    sent = await sender.http.post("/realtime/v1/api/broadcast", content=b"{")
    assert sent.status_code == 400


@pytest.mark.parametrize("text", [r'"\ud800"', '"\u2028é😀"', '"\\u0000"'])
async def test_unusual_unicode_text_is_delivered_unchanged(
    supabase_realtime: LocalRealtime, sender: Sender, text: str
) -> None:
    async with raw_client(supabase_realtime, 1) as one, raw_client(supabase_realtime, 2) as two:
        await one.join("realtime:room")
        await two.join("realtime:room")
        path = "/realtime/v1/api/broadcast/room/events/said"
        headers = {"Content-Type": "application/json"}
        sent = await sender.http.post(path, content=text.encode(), headers=headers)
        assert sent.status_code == 202
        for client in (one, two):
            assert (await client.receive())["payload"]["payload"] == json.loads(text)


@pytest.mark.parametrize("text", ["NaN", "-Infinity"])
async def test_non_finite_numbers_are_refused(sender: Sender, text: str) -> None:
    message = f'{{"topic": "room", "event": "said", "payload": {{"n": {text}}}}}'
    body = f'{{"messages": [{message}]}}'
    sent = await sender.http.post("/realtime/v1/api/broadcast", content=body)
    assert sent.status_code == 400
