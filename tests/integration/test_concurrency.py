"""Concurrent changes of one session are serialised, also across instances."""

import asyncio

import httpx

from infra.local.instance import Instance
from shared.application.session_parts import MOST_UNDIVIDED
from tests.support.api import ApiClient, chess, participant
from tests.support.live import connect_live, versions

_SWITCHES = 200
_CONCURRENCY = 50


async def test_concurrent_switches_on_two_instances_are_each_applied_and_pushed_once(
    instances: tuple[Instance, Instance], api: ApiClient, other: ApiClient
) -> None:
    session_id = await api.started(chess(increment_ms=1_000))
    slots = asyncio.Semaphore(_CONCURRENCY)

    async def switch(client: ApiClient) -> httpx.Response:
        async with slots:
            return await client.do(session_id, "switch")

    async with (
        connect_live(instances[0], session_id) as here,
        connect_live(instances[1], session_id) as there,
    ):
        clients = (api, other) * (_SWITCHES // 2)
        answers = await asyncio.gather(*map(switch, clients))
        expected = list(range(3, 3 + _SWITCHES))
        for follower in (here, there):
            assert versions(await follower.until_version(expected[-1])) == expected
    assert [answer.status_code for answer in answers] == [200] * _SWITCHES
    assert sorted(answer.json()["data"]["version"] for answer in answers) == expected
    session = await api.session(session_id)
    assert session["version"] == expected[-1]
    assert session["cycle_number"] == 1 + _SWITCHES


async def test_concurrent_switches_keep_the_sum_of_used_and_remaining_time(
    api: ApiClient, other: ApiClient
) -> None:
    session_id = await api.started(chess())
    await asyncio.gather(*(c.do(session_id, "switch") for c in (api, other) * 20))
    session = (await api.do(session_id, "pause")).json()["data"]
    accounts = [(p["time_used_ms"], p["time_remaining_ms"]) for p in session["participants"]]
    assert [used + left for used, left in accounts] == [60_000, 60_000]


async def test_concurrent_joins_are_each_applied_once(api: ApiClient, other: ApiClient) -> None:
    session_id = await api.started(chess())
    newcomers = [participant() for _ in range(20)]
    pairs = zip((api, other) * 10, newcomers, strict=True)
    answers = await asyncio.gather(*(c.do(session_id, "participants", n) for c, n in pairs))
    assert {answer.status_code for answer in answers} == {201}
    session = await api.session(session_id)
    indexes = [p["participant_index"] for p in session["participants"]]
    assert indexes == list(range(22))
    assert session["version"] == 22


async def test_concurrent_changes_of_a_session_that_becomes_large_lose_nothing(
    api: ApiClient, other: ApiClient
) -> None:
    seats = [participant() for _ in range(MOST_UNDIVIDED - 4)]
    session_id = await api.started({"sync_mode": "per_participant", "participants": seats})
    changes = [
        changing
        for client in (api, other) * 4
        for changing in (
            client.do(session_id, "participants", participant()),
            client.do(session_id, "switch"),
        )
    ]
    answers = await asyncio.gather(*changes)
    assert sorted(answer.json()["data"]["version"] for answer in answers) == list(range(3, 19))
    paused = (await api.do(session_id, "pause")).json()["data"]
    assert [p["participant_index"] for p in paused["participants"]] == list(range(len(seats) + 8))
    assert {p["time_used_ms"] + p["time_remaining_ms"] for p in paused["participants"]} == {60_000}
    assert paused["version"] == 19
    there = await other.session(session_id)
    assert there | {"server_time_ms": 0} == paused | {"server_time_ms": 0}
