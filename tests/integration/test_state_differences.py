"""Pushes of sessions with many individual clocks: the difference for those who ask for it."""

import asyncio
import json
from contextlib import AsyncExitStack

import httpx
from synckairos.state_difference import apply_difference

from infra.local.instance import Instance
from tests.support.api import ApiClient
from tests.support.exams import PEOPLE, exam, finish, version_in
from tests.support.live import connect_live
from tests.support.sse import events

Pair = tuple[Instance, Instance]


async def test_who_asks_for_differences_gets_the_changed_participant_only(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.started(exam())
    async with (
        connect_live(instances[1], session_id, "&sync=1&differences=1") as follower,
        connect_live(instances[1], session_id, "&sync=1") as other,
    ):
        held = (await follower.until_type("STATE_SYNC"))["state"]
        await other.until_type("STATE_SYNC")
        for version, who in enumerate(PEOPLE[:2], held["version"] + 1):
            answered = await finish(api, session_id, who)
            update, whole = await follower.next(), await other.next()
            assert (update["version"], update["cause"]) == (version, "participant_finished")
            assert "state" not in update
            difference = update["difference"]
            assert [p["participant_id"] for p in difference["state"]["participants"]] == [who]
            held = apply_difference(held, difference)
            assert held == whole["state"] == answered


async def test_a_change_of_all_clocks_is_pushed_as_a_whole(instances: Pair, api: ApiClient) -> None:
    session_id = await api.created(exam())
    async with connect_live(instances[0], session_id, "&differences=1") as follower:
        for verb in ("start", "pause", "resume"):
            answer = await api.do(session_id, verb)
            update = await follower.next()
            assert update["state"] == answer.json()["data"]
            assert "difference" not in update


async def test_a_stream_sends_differences_too(instances: Pair, api: ApiClient) -> None:
    session_id = await api.started(exam())
    url = f"{instances[0].url}/v1/sessions/{session_id}/stream?sync=1&differences=1"
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", url) as answer:
        stream = events(answer)
        assert json.loads((await anext(stream))["data"])["type"] == "CONNECTED"
        held = json.loads((await anext(stream))["data"])["state"]
        answered = await finish(api, session_id, PEOPLE[5])
        event = await anext(stream)
        update = json.loads(event["data"])
        assert event["id"] == str(update["version"]) == str(answered["version"])
        assert apply_difference(held, update["difference"]) == answered


async def test_a_burst_reaches_both_kinds_of_sockets_at_both_instances(
    instances: Pair, api: ApiClient, other: ApiClient
) -> None:
    session_id = await api.started(exam())
    newest = int((await api.session(session_id))["version"]) + 20
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect_live(instance, session_id, f"&sync=1{query}"))
            for instance in instances
            for query in ("", "&differences=1")
        ]
        syncs = [await socket.until_type("STATE_SYNC") for socket in sockets]
        await asyncio.gather(
            finish_all(api, session_id, PEOPLE[:10]), finish_all(other, session_id, PEOPLE[10:20])
        )
        answers = {}
        for socket, sync in zip(sockets, syncs, strict=True):
            updates = await socket.until(lambda message: version_in(message) == newest)
            got = [version_in(update) for update in updates]
            assert got == sorted(got)
            held = sync["state"]
            for update in updates:
                held = update.get("state") or apply_difference(held, update["difference"])
            answers[socket] = held
        for socket in sockets[1::2]:
            assert len(socket.received) == 22  # CONNECTED, STATE_SYNC and every version
        assert {json.dumps(held["participants"][:20], sort_keys=True) for held in answers.values()}


async def finish_all(api: ApiClient, session_id: str, people: list[str]) -> None:
    for who in people:
        await finish(api, session_id, who)
