"""An instance that is told to end leaves first: it serves on, and lets everybody know."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from infra.local.instance import Instance, running
from tests.support.api import ApiClient, api_client, chess
from tests.support.live import LiveClient, connect_live

_DRAIN_S = 1.0
_COME_BACK = (1001, "Reconnect")


@pytest.fixture
def instance(redis_url: str) -> Iterator[Instance]:
    """One that takes its time to leave."""
    with running(redis_url, port=None, quiet=True, DRAIN_S=str(_DRAIN_S)) as instance:
        yield instance


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """A client of it."""
    async with api_client(instance.url) as api:
        yield api


async def leaving(instance: Instance) -> httpx.Response:
    """Tell it to end; returns what `/ready` says once it has heard."""
    instance.process.send_signal(signal.SIGTERM)
    async with httpx.AsyncClient(base_url=instance.url) as http:
        while (answer := await http.get("/ready")).status_code == 200:
            pass
    return answer


async def farewell(follower: LiveClient) -> tuple[int, str] | None:
    """With which code and reason the socket is closed, by whom it follows."""
    with pytest.raises(ConnectionClosed) as end:
        await follower.next()
    return (end.value.rcvd.code, end.value.rcvd.reason) if end.value.rcvd else None


async def test_it_is_not_ready_and_says_why(instance: Instance) -> None:
    answer = await leaving(instance)
    assert answer.status_code == 503
    assert answer.json() == {"status": "stopping", "checks": {"redis": "up", "audit": "off"}}


async def test_it_serves_on_and_keeps_no_connection(instance: Instance, api: ApiClient) -> None:
    session_id = await api.started(chess())
    await leaving(instance)
    for _ in range(2):
        answer = await api.do(session_id, "switch")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")


async def test_those_who_follow_are_told_to_come_back_and_miss_nothing_before(
    instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as follower:
        await leaving(instance)
        await api.do(session_id, "switch")
        await follower.until_version(3)
        assert await farewell(follower) == _COME_BACK
    assert instance.is_alive


async def test_who_comes_when_the_others_have_gone_is_served_and_told_at_the_end(
    instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as first:
        await leaving(instance)
        await farewell(first)
    async with connect_live(instance, session_id, "&sync=1") as late:
        await late.until_type("STATE_SYNC")
        assert await farewell(late) == _COME_BACK


async def test_an_event_stream_ends_as_a_whole_answer(instance: Instance, api: ApiClient) -> None:
    session_id = await api.started(chess())
    async with api.http.stream("GET", f"/v1/sessions/{session_id}/stream") as stream:
        await leaving(instance)
        events = [line async for line in stream.aiter_lines() if line.startswith("data:")]
    assert '"CONNECTED"' in events[0]
    assert instance.is_alive


async def test_one_that_doesn_t_wait_tells_everybody_as_well(redis_url: str) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="0") as instance:
        async with connect_live(instance, str(uuid4())) as follower:
            instance.process.send_signal(signal.SIGTERM)
            assert await farewell(follower) == _COME_BACK


async def test_one_who_doesn_t_say_good_bye_holds_nobody_up(redis_url: str) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="0") as instance:
        async with connect_live(instance, str(uuid4())) as deaf:
            deaf.socket.transport.pause_reading()
            begun = time.monotonic()
            instance.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(instance.process.wait, 10)
            assert time.monotonic() - begun < 4
            deaf.socket.transport.resume_reading()


async def test_it_ends_when_its_time_is_over(instance: Instance) -> None:
    begun = time.monotonic()
    await leaving(instance)
    instance.process.wait(_DRAIN_S + 5)
    assert time.monotonic() - begun >= _DRAIN_S


async def test_a_second_signal_ends_it_at_once(redis_url: str) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="60") as instance:
        await leaving(instance)
        instance.process.send_signal(signal.SIGTERM)
        instance.process.wait(10)


async def test_ctrl_c_doesn_t_wait(redis_url: str) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="60") as instance:
        instance.process.send_signal(signal.SIGINT)
        instance.process.wait(10)
