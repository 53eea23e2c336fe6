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


_BLANK, _INVALID = ["can't be blank"], ["is invalid"]


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        ({}, [{}, {"topic": _BLANK, "event": _BLANK, "payload": _BLANK}]),
        ({"topic": "", "event": "e", "payload": {}}, [{}, {"topic": _BLANK}]),
        ({"topic": "t", "event": 1, "payload": {}}, [{}, {"event": _INVALID}]),
        ({"topic": "t", "event": "e", "payload": [1]}, [{}, {"payload": _INVALID}]),
        (
            {"topic": "t", "event": "e", "payload": {}, "private": "yes"},
            [{}, {"private": _INVALID}],
        ),
        ("text", _INVALID),
    ],
)
async def test_a_batch_with_one_wrong_message_is_not_sent(
    supabase_realtime: LocalRealtime, sender: Sender, wrong: Any, faults: Any
) -> None:
    async with raw_client(supabase_realtime) as client:
        await client.join("realtime:room")
        sent = await sender.batch(message("room", "good", private=False), wrong)
        assert (sent.status_code, sent.json()) == (422, {"errors": {"messages": faults}})
        assert await client.receives_nothing()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"messages": []}', "application/json", 422),
        (b'{"messages": []}', "text/plain", 422),
        (b"{", "application/json", 400),
        (b" " * 8_000_001, "application/json", 413),
    ],
)
async def test_an_invalid_body_is_refused(
    sender: Sender, body: bytes, content_type: str, status: int
) -> None:
    headers = {"content-type": content_type}
    sent = await sender.http.post("/realtime/v1/api/broadcast", content=body, headers=headers)
    assert sent.status_code == status


@pytest.mark.parametrize("version", [1, 2])
async def test_a_single_message_is_delivered(
    supabase_realtime: LocalRealtime, sender: Sender, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        await client.join("realtime:session:é:1", token("é:1"), private=True)
        sent = await sender.single("session:é:1", "said", {"text": "Zürich"})
        assert (sent.status_code, sent.content) == (202, b"")
        received = await client.receive()
    assert received["topic"] == "realtime:session:é:1"
    content = {"type": "broadcast", "event": "said", "payload": {"text": "Zürich"}}
    assert received["payload"] == content


async def test_a_single_message_of_a_listener_is_refused(sender: Sender) -> None:
    headers = {"apikey": PUBLISHABLE_KEY, **bearer(token("1"))}
    sent = await sender.single("session:1", "said", {}, headers=headers)
    assert (sent.status_code, sent.json()) == (403, {"message": "Unauthorized"})


async def test_every_answer_tells_the_rate_of_the_project(sender: Sender) -> None:
    for sent in (await sender.batch(message("a", "b")), await sender.single("a", "b", {})):
        limit = int(sent.headers["x-rate-limit"])
        left = int(sent.headers["x-rate-limit-remaining"])
        assert int(sent.headers["x-rate-rolling"]) == limit - left


async def test_a_state_of_200_kb_passes_and_one_above_the_limit_does_not(sender: Sender) -> None:
    for size, status in ((200_000, 202), (256_500, 422)):
        sent = await sender.single("session:1", "said", {"text": "x" * size})
        assert sent.status_code == status


async def test_unusual_unicode_text_is_delivered_unchanged(
    supabase_realtime: LocalRealtime, sender: Sender
) -> None:
    text = r'{"lone": "\ud800", "astral": "é😀", "zero": "\u0000"}'
    async with raw_client(supabase_realtime, 1) as one, raw_client(supabase_realtime, 2) as two:
        await one.join("realtime:room")
        await two.join("realtime:room")
        body = f'{{"messages": [{{"topic": "room", "event": "said", "payload": {text}}}]}}'
        sent = await sender.http.post(
            "/realtime/v1/api/broadcast",
            content=body.encode(),
            headers={"content-type": "application/json"},
        )
        assert sent.status_code == 202
        for client in (one, two):
            assert (await client.receive())["payload"]["payload"] == json.loads(text)
