"""Timeouts and warnings are applied without requests (docs/api.md)."""

import asyncio
from typing import Any

from infra.local.instance import Instance
from tests.support.api import ApiClient, chess, participant
from tests.support.live import Message, connect_live

Pair = tuple[Instance, Instance]

_SESSIONS = 40


def create_body(**more: Any) -> dict[str, Any]:
    """Return a create body whose first player has one second."""
    action = {"type": "end_session", "winner_by": "time"}
    return chess(
        participants=[participant(1_000), participant(60_000)], action_on_timeout=action, **more
    )


async def test_a_timeout_is_pushed_once_to_clients_of_both_instances(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.created(create_body(warn_at_ms=[900]))
    async with (
        connect_live(instances[0], session_id) as here,
        connect_live(instances[1], session_id) as there,
    ):
        running = (await api.do(session_id, "start")).json()["data"]
        loser, winner = (p["participant_id"] for p in running["participants"])
        for follower in (here, there):
            update, warning, expired, last = await follower.until_version(3)
            assert update["cause"] == "session_started"
            assert (warning["type"], warning["threshold_ms"]) == ("TIME_WARNING", 900)
            assert warning["participant_id"] == loser
            assert 0 < warning["time_remaining_ms"] <= 900
            assert (expired["type"], expired["participant_id"]) == ("TIME_EXPIRED", loser)
            assert expired["deadline_ms"] == running["server_time_ms"] + 1_000
            assert expired["action_applied"]["winner"] == winner
            assert (last["type"], last["cause"]) == ("STATE_UPDATE", "time_expired")
            assert last["state"]["status"] == "expired"
        await api.delete(session_id)
        for follower in (here, there):
            assert (await follower.next())["type"] == "SESSION_DELETED"


async def test_many_timeouts_are_applied_on_time_and_once_by_two_instances(
    instances: Pair, api: ApiClient
) -> None:
    """`make load` measures the promise of 100 ms; the limit here allows for a busy machine."""

    async def play() -> Message:
        session_id = await api.created(create_body())
        async with connect_live(instances[1], session_id) as follower:
            await api.do(session_id, "start")
            expired = await follower.until_type("TIME_EXPIRED")
            await follower.until_type("STATE_UPDATE")
            assert (await api.session(session_id))["version"] == 3
            return expired

    timeouts = await asyncio.gather(*(play() for _ in range(_SESSIONS)))
    lateness = sorted(message["timestamp"] - message["deadline_ms"] for message in timeouts)
    assert lateness[0] >= 0
    assert lateness[_SESSIONS // 2] < 2_000


async def test_cycles_advance_and_warn_without_requests(instances: Pair, api: ApiClient) -> None:
    body = {
        **chess(auto_advance=True, warn_at_ms=[500]),
        "sync_mode": "per_cycle",
        "time_per_cycle_ms": 1_000,
    }
    session_id = await api.created(body)
    async with connect_live(instances[0], session_id) as follower:
        await api.do(session_id, "start")
        messages = await follower.until_version(4)
    assert [m["type"] for m in messages[1:]] == [
        "TIME_WARNING",
        "TIME_EXPIRED",
        "STATE_UPDATE",
    ] * 2
    states = [m["state"] for m in messages if m["type"] == "STATE_UPDATE"]
    starts = [m["deadline_ms"] for m in messages if m["type"] == "TIME_EXPIRED"]
    assert starts[1] - starts[0] == 1_000
    assert [state["cycle_number"] for state in states] == [1, 2, 3]


async def test_an_adjusted_clock_moves_its_deadline(instances: Pair, api: ApiClient) -> None:
    session_id = await api.created(create_body())
    async with connect_live(instances[0], session_id) as follower:
        active = (await api.do(session_id, "start")).json()["data"]["active_participant_id"]
        adjusted = await api.adjust(session_id, active, {"total_time_ms": 1_500})
        expired = await follower.until_type("TIME_EXPIRED")
    assert expired["deadline_ms"] == adjusted.json()["data"]["server_time_ms"] + 1_500


async def test_a_paused_clock_has_no_deadline(instances: Pair, api: ApiClient) -> None:
    session_id = await api.created(create_body())
    other_id = await api.created(create_body())
    async with (
        connect_live(instances[0], session_id) as paused,
        connect_live(instances[0], other_id) as running,
    ):
        await api.do(session_id, "start")
        await api.do(session_id, "pause")
        await api.do(other_id, "start")
        await running.until_type("TIME_EXPIRED")
        await api.delete(session_id)
        await paused.until_type("SESSION_DELETED")
    assert "TIME_EXPIRED" not in {m["type"] for m in paused.received}
