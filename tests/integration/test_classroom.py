"""The default limits allow 200 phones without tokens behind one IP address."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from infra.local.instance import Instance, running
from tests.support.api import ApiClient, api_client, chess
from tests.support.live import connect_live
from tests.support.raw_http import raw_connection, request_head

_PHONES = 200
_CONCURRENCY = 25


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """An instance with the default limits."""
    from infra.local.redis import embedded_redis

    defaults = ("RATE_LIMIT_GENERAL", "RATE_LIMIT_SWITCH", "MAX_SOCKETS_PER_CALLER")
    with embedded_redis() as url, running(url, **dict.fromkeys(defaults, "")) as instance:  # type: ignore[arg-type] # no key is `port`
        yield instance


@pytest.fixture
async def teacher(instance: Instance) -> AsyncIterator[ApiClient]:
    """Client that creates the session."""
    async with api_client(instance.url, timeout=30) as api:
        yield api


async def test_two_hundred_phones_open_the_page_of_one_session(
    instance: Instance, teacher: ApiClient
) -> None:
    """Send the console's requests: page, clock, realtime, session, summary and a socket."""
    session_id = await teacher.started(chess())
    session = f"/v1/sessions/{session_id}"
    paths = ["/", "/v1/time", f"{session}/realtime", session, session, f"{session}/summary"]
    slots = asyncio.Semaphore(_CONCURRENCY)
    statuses: Counter[int] = Counter()

    async with AsyncExitStack() as sockets:

        async def open_page() -> None:
            async with slots:
                for path in paths:
                    async with raw_connection(instance) as connection:
                        await connection.send(request_head("GET", path, Connection="close"))
                        statuses[(await connection.end()).status] += 1
                follower = await sockets.enter_async_context(
                    connect_live(instance, session_id, "&sync=1")
                )
                assert (await follower.next())["type"] == "STATE_SYNC"

        await asyncio.gather(*(open_page() for _ in range(_PHONES)))
        assert statuses == {200: _PHONES * len(paths)}
        assert (await teacher.do(session_id, "pause")).status_code == 200


async def test_reads_use_up_nothing_of_the_limit_for_changes(
    instance: Instance, teacher: ApiClient
) -> None:
    session_id = await teacher.created(chess())
    answers = [await teacher.get(session_id) for _ in range(120)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].headers["ratelimit-limit"] == "20000"
    started = await teacher.do(session_id, "start")
    assert started.status_code == 200
    assert started.headers["ratelimit-limit"] == "100"


async def test_changes_from_one_address_are_limited_while_reads_go_on(
    instance: Instance, teacher: ApiClient
) -> None:
    session_id = await teacher.created(chess())
    answers = [await teacher.do(session_id, "pause") for _ in range(101)]
    assert answers[-1].status_code == 429
    assert (await teacher.get(session_id)).status_code == 200
