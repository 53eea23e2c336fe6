"""After SIGTERM an instance drains: it isn't ready, serves on, and then closes connections."""

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

_DRAIN_S = 4.0
_RECONNECT_CLOSE = (1001, "Reconnect")


@pytest.fixture
def instance(redis_url: str) -> Iterator[Instance]:
    """An instance that drains for four seconds."""
    with running(redis_url, port=None, quiet=True, DRAIN_S=str(_DRAIN_S)) as instance:
        yield instance


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """Client of that instance."""
    async with api_client(instance.url) as api:
        yield api


async def start_draining(instance: Instance) -> httpx.Response:
    """Send SIGTERM; return the first answer of `/ready` that isn't 200."""
    instance.process.send_signal(signal.SIGTERM)
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as http, asyncio.timeout(30):
        while (answer := await http.get("/ready")).status_code == 200:
            await asyncio.sleep(0.01)
    return answer


async def close_reason(follower: LiveClient) -> tuple[int, str] | None:
    """Wait until the server closes the socket; return its code and reason."""
    with pytest.raises(ConnectionClosed) as end:
        await follower.next()
    return (end.value.rcvd.code, end.value.rcvd.reason) if end.value.rcvd else None


async def test_a_draining_instance_is_not_ready_and_says_stopping(instance: Instance) -> None:
    answer = await start_draining(instance)
    assert answer.status_code == 503
    assert answer.json() == {"status": "stopping", "checks": {"redis": "up", "audit": "off"}}


async def test_a_draining_instance_serves_on_with_connection_close(
    instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    await start_draining(instance)
    for _ in range(2):
        answer = await api.do(session_id, "switch")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")


async def test_live_clients_get_all_pushes_and_then_a_reconnect_close(
    instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as follower:
        await start_draining(instance)
        await api.do(session_id, "switch")
        await follower.until_version(3)
        assert await close_reason(follower) == _RECONNECT_CLOSE
    assert instance.is_alive


async def test_a_live_client_that_connects_late_is_served_and_then_closed(
    instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as first:
        await start_draining(instance)
        await close_reason(first)
    async with connect_live(instance, session_id, "&sync=1") as late:
        await late.until_type("STATE_SYNC")
        assert await close_reason(late) == _RECONNECT_CLOSE


async def test_an_event_stream_ends_as_a_complete_response(
    instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with api.http.stream("GET", f"/v1/sessions/{session_id}/stream") as stream:
        await start_draining(instance)
        events = [line async for line in stream.aiter_lines() if line.startswith("data:")]
    assert '"CONNECTED"' in events[0]
    assert instance.is_alive


async def test_without_draining_live_clients_get_a_reconnect_close_too(redis_url: str) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="0") as instance:
        async with connect_live(instance, str(uuid4())) as follower:
            instance.process.send_signal(signal.SIGTERM)
            assert await close_reason(follower) == _RECONNECT_CLOSE


async def test_the_end_does_not_wait_for_a_client_that_does_not_answer_the_close(
    redis_url: str,
) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="0") as instance:
        async with connect_live(instance, str(uuid4())) as non_reading:
            non_reading.socket.transport.pause_reading()
            instance.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(instance.process.wait, 30)
            non_reading.socket.transport.resume_reading()


async def test_a_draining_instance_ends_after_its_drain_time(instance: Instance) -> None:
    began = time.monotonic()
    await start_draining(instance)
    instance.process.wait(_DRAIN_S + 30)
    assert time.monotonic() - began >= _DRAIN_S


async def test_a_second_sigterm_ends_the_instance_at_once(redis_url: str) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="300") as instance:
        await start_draining(instance)
        instance.process.send_signal(signal.SIGTERM)
        instance.process.wait(30)


async def test_sigint_ends_the_instance_without_draining(redis_url: str) -> None:
    with running(redis_url, port=None, quiet=True, DRAIN_S="300") as instance:
        instance.process.send_signal(signal.SIGINT)
        instance.process.wait(30)
