"""Batches of commands for the live sessions whose metadata has given values."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter

from shared.http.openapi import models
from tests.support import tokens
from tests.support.api import ApiClient, api_client, check_documented, details_of
from tests.support.instants import in_utc, instant_in

pytestmark = pytest.mark.http

_batch = TypeAdapter(models.Envelope[models.BatchCommands])


def exam(room: Any, **more: Any) -> dict[str, Any]:
    """Return a create body for an exam in that room."""
    return {"sync_mode": "global", "total_time_ms": 600_000, "metadata": {"room": room, **more}}


async def command(api: ApiClient, room: Any, operation: str, **more: Any) -> httpx.Response:
    """Give a command to all live sessions in the room."""
    headers, query = more.pop("headers", None), more.pop("params", None)
    body = {"operation": operation, "metadata": {"room": room}, **more}
    path = "/v1/sessions/batch-commands"
    answer = await api.http.post(path, json=body, headers=headers, params=query)
    return check_documented(answer, _batch)


def entries(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the answer's entries."""
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["sessions"])


async def test_a_fire_alarm_stops_the_live_sessions_of_a_room_at_one_instant(
    api: ApiClient,
) -> None:
    room = str(uuid4())
    running = [await api.started(exam(room, floor=floor)) for floor in (1, 2, 3)]
    ended, elsewhere = await api.started(exam(room)), await api.started(exam(f"{room} 2"))
    await api.do(ended, "complete")
    at = await instant_in(api, 30_000)
    stopped = entries(await command(api, room, "pause", effective_at=at))
    assert [one["session_id"] for one in stopped] == running[::-1]
    assert {one["effective_at"] for one in stopped} == {in_utc(at)}
    assert "scheduled" not in await api.session(elsewhere)
    body = {"room": room, "floor": 2}
    (one,) = entries(await command(api, room, "unschedule", metadata=body))
    assert one["session_id"] == running[1]


async def test_values_are_compared_with_their_type(api: ApiClient) -> None:
    number, text = await api.started(exam(7)), await api.started(exam("7"))
    truth = await api.started(exam(value=True, room=str(uuid4())))
    for room, expected in ((7, number), (7.0, number), ("7", text)):
        answers = entries(await command(api, room, "pause", params={"dry_run": "true"}))
        found = {one["session_id"] for one in answers}
        assert found & {number, text} == {expected}
    answer = await command(api, 0, "pause", metadata={"value": 1}, params={"dry_run": "true"})
    assert truth not in {one["session_id"] for one in entries(answer)}


async def test_more_sessions_than_a_batch_may_have_are_refused_with_their_number(
    api: ApiClient,
) -> None:
    room = str(uuid4())
    ids = await asyncio.gather(*(api.created(exam(room)) for _ in range(51)))
    message = "selects 51 live sessions, but a batch has at most 50"
    assert details_of(await command(api, room, "start")) == {"metadata": message}
    assert (await api.session(ids[0]))["version"] == 1
    await api.delete(ids[0])
    assert len(entries(await command(api, room, "start"))) == 50


async def test_a_filter_that_no_live_session_meets_selects_none(api: ApiClient) -> None:
    assert entries(await command(api, str(uuid4()), "pause")) == []


async def test_a_retry_is_for_the_sessions_of_the_first_attempt(api: ApiClient) -> None:
    room, headers = str(uuid4()), {"Idempotency-Key": str(uuid4())}
    session_id = await api.started(exam(room))
    first = await command(api, room, "complete", headers=headers)
    await api.started(exam(room))
    again = await command(api, room, "complete", headers=headers)
    assert [one["session_id"] for one in entries(first)] == [session_id]
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_host_selects_only_its_own_sessions(guarded_url: str) -> None:
    room, ada, bob = str(uuid4()), f"ada-{uuid4()}", f"bob-{uuid4()}"
    async with (
        api_client(guarded_url, tokens.host(ada)) as as_ada,
        api_client(guarded_url, tokens.host(bob)) as as_bob,
        api_client(guarded_url, tokens.service()) as service,
    ):
        of_ada, of_bob = await as_ada.started(exam(room)), await as_bob.started(exam(room))
        (paused,) = entries(await command(as_ada, room, "pause"))
        assert paused["session_id"] == of_ada
        assert (await as_bob.session(of_bob))["status"] == "running"
        assert len(entries(await command(service, room, "complete"))) == 2
