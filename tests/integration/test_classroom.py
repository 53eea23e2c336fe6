"""A room of 200 phones behind one address, without tokens, meets no limit."""

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
_AT_ONCE = 25


@pytest.fixture(scope="module")
def school() -> Iterator[Instance]:
    """An instance with the limits that it has by default."""
    from infra.local.redis import embedded_redis

    defaults = ("RATE_LIMIT_GENERAL", "RATE_LIMIT_SWITCH", "MAX_SOCKETS_PER_CALLER")
    with embedded_redis() as url, running(url, **dict.fromkeys(defaults, "")) as instance:  # type: ignore[arg-type] # none is port
        yield instance


@pytest.fixture
async def teacher(school: Instance) -> AsyncIterator[ApiClient]:
    """One who creates a session there."""
    async with api_client(school.url, timeout=30) as api:
        yield api


async def test_two_hundred_phones_open_the_page_of_one_session(
    school: Instance, teacher: ApiClient
) -> None:
    """What the page asks for: itself, how to follow, the session and its past, and a socket."""
    session_id = await teacher.started(chess())
    session = f"/v1/sessions/{session_id}"
    paths = ["/", "/v1/time", f"{session}/realtime", session, session, f"{session}/summary"]
    slots = asyncio.Semaphore(_AT_ONCE)
    seen: Counter[int] = Counter()

    async with AsyncExitStack() as sockets:

        async def open_page() -> None:
            async with slots:
                for path in paths:
                    async with raw_connection(school) as connection:
                        await connection.send(request_head("GET", path, Connection="close"))
                        seen[(await connection.end()).status] += 1
                follower = await sockets.enter_async_context(
                    connect_live(school, session_id, "&sync=1")
                )
                assert (await follower.next())["type"] == "STATE_SYNC"

        await asyncio.gather(*(open_page() for _ in range(_PHONES)))
        assert seen == {200: _PHONES * len(paths)}
        assert (await teacher.do(session_id, "pause")).status_code == 200


async def test_what_phones_read_takes_nothing_from_what_the_teacher_may_do(
    school: Instance, teacher: ApiClient
) -> None:
    session_id = await teacher.created(chess())
    answers = [await teacher.get(session_id) for _ in range(120)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].headers["ratelimit-limit"] == "20000"
    started = await teacher.do(session_id, "start")
    assert started.status_code == 200
    assert started.headers["ratelimit-limit"] == "100"


async def test_changes_from_one_address_keep_the_general_limit(
    school: Instance, teacher: ApiClient
) -> None:
    session_id = await teacher.created(chess())
    answers = [await teacher.do(session_id, "pause") for _ in range(101)]
    assert answers[-1].status_code == 429
    assert (await teacher.get(session_id)).status_code == 200
