"""Presence over HTTP, WebSockets and event streams, in two instances (docs/presence.md)."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter

from infra.local.instance import Instance
from shared.http.openapi import models
from tests.support.api import ApiClient, check_documented, chess
from tests.support.live import LiveClient, Message, connect_live

Pair = tuple[Instance, Instance]

_answer = TypeAdapter(models.Envelope[models.Presence])


async def presence(api: ApiClient, session_id: str) -> dict[str, Any]:
    """The data of `GET .../presence`."""
    answer = await api.http.get(f"/v1/sessions/{session_id}/presence")
    assert check_documented(answer, _answer).status_code == 200
    data: dict[str, Any] = answer.json()["data"]
    return data


async def until_connected(follower: LiveClient, connected: int, measured: int) -> dict[str, Any]:
    """Wait for a push of the presence with that many connections; return it."""

    def is_wanted(message: Message) -> bool:
        summary = message.get("presence", {}).get("summary", {})
        return (summary.get("connected"), summary.get("measured")) == (connected, measured)

    found: dict[str, Any] = (await follower.until(is_wanted))[-1]["presence"]
    return found


async def test_clients_of_two_instances_see_each_other(instances: Pair, api: ApiClient) -> None:
    session_id = await api.created(chess())
    async with connect_live(instances[0], session_id, "&presence=1") as watcher:
        await watcher.send({"type": "PING", "round_trip_ms": 7, "error_ms": 38})
        async with connect_live(instances[1], session_id) as other:
            await other.send({"type": "PING", "round_trip_ms": 12, "error_ms": 9.0})
            pushed = await until_connected(watcher, 2, 2)
            read = await presence(api, session_id)
            assert [(one["role"], one["transport"]) for one in pushed["connections"]] == [
                ("service", "websocket")
            ] * 2
            measured = {one["error_ms"]: one["round_trip_ms"] for one in pushed["connections"]}
            assert measured == {38: 7, 9: 12}
            assert (
                pushed["summary"]["within_ms"] | {"10": 1, "20": 1, "40": 2}
                == (pushed["summary"]["within_ms"])
            )
            assert {**read, "connections": []} == {**pushed, "connections": []}
            assert all(one["connected_at"] <= one["seen_at"] for one in read["connections"])
            assert [message["type"] for message in other.received] == ["CONNECTED"]
        await until_connected(watcher, 1, 1)


async def test_a_stream_says_how_exact_its_clock_is_and_gets_the_presence(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.created(chess())
    query = "presence=1&round_trip_ms=80&error_ms=41"
    url = f"{instances[1].url}/v1/sessions/{session_id}/stream?{query}"
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", url) as answer:
        async for message in _messages(answer):
            if message.get("presence", {}).get("summary", {}).get("connected"):
                break
        (shown,) = (await presence(api, session_id))["connections"]
    assert message["type"] == "PRESENCE"
    assert (shown["transport"], shown["round_trip_ms"], shown["error_ms"]) == ("sse", 80, 41)


async def _messages(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"error_ms": -1}, "error_ms must be at least 0ms"),
        ({"error_ms": 3_600_001}, "error_ms cannot exceed 3600000ms"),
        ({"round_trip_ms": "7"}, "round_trip_ms must be an integer"),
        ({"round_trip_ms": True}, "round_trip_ms must be an integer"),
        ({"error_ms": 1.5}, "error_ms must be an integer"),
    ],
)
async def test_a_wrong_measurement_is_an_error_with_its_field(
    instances: Pair, fields: dict[str, Any], reason: str
) -> None:
    async with connect_live(instances[0], str(uuid4())) as follower:
        await follower.send({"type": "PING", **fields})
        error = await follower.next()
        assert (error["type"], error["code"], error["message"]) == (
            "ERROR",
            "INVALID_MESSAGE",
            reason,
        )


async def test_a_session_that_does_not_exist_has_no_presence(api: ApiClient) -> None:
    answer = await api.http.get(f"/v1/sessions/{uuid4()}/presence")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")


async def test_a_session_without_connections_has_an_empty_list(api: ApiClient) -> None:
    found = await presence(api, await api.created(chess()))
    assert (found["connections"], found["summary"]["connected"]) == ([], 0)
