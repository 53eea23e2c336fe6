"""Rate limits per caller and per session hold across instances (docs/security.md)."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from redis import Redis

from infra.local.instance import Instance, running
from shared.application.api_key_format import new_key, new_key_id
from tests.support import tokens
from tests.support.api import ApiClient, chess
from tests.support.live import connect_live
from tests.support.tokens import SECRET, bearer

_GENERAL = 30


@pytest.fixture(scope="module")
def limited(redis_url: str) -> Iterator[tuple[Instance, Instance]]:
    """Two instances that share their rate limits."""
    settings = {
        "JWT_SECRET": SECRET,
        "RATE_LIMIT_GENERAL": str(_GENERAL),
        "RATE_LIMIT_SWITCH": "5",
        "MAX_SESSIONS_PER_CALLER": "4",
    }
    with running(redis_url, **settings) as one, running(redis_url, **settings) as two:  # type: ignore[arg-type]
        yield one, two


@asynccontextmanager
async def _clients(
    limited: tuple[Instance, Instance], token: str
) -> AsyncIterator[list[ApiClient]]:
    async with AsyncExitStack() as stack:
        yield [
            ApiClient(
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=instance.url, headers=bearer(token), timeout=20)
                )
            )
            for instance in limited
        ]


def _status_counts(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_two_instances_share_a_caller_s_limit(
    limited: tuple[Instance, Instance],
) -> None:
    async with _clients(limited, tokens.host("busy")) as (one, two):
        session_id = await one.created(chess())
        answers = await asyncio.gather(
            *((one, two)[n % 2].get(session_id) for n in range(2 * _GENERAL))
        )
    assert _status_counts(answers) == {200: _GENERAL - 1, 429: _GENERAL + 1}


async def test_answers_tell_the_remaining_requests_and_refusals_when_to_retry(
    limited: tuple[Instance, Instance],
) -> None:
    async with _clients(limited, tokens.host("counting")) as (one, _):
        session_id = await one.created(chess())
        answers = [await one.get(session_id) for _ in range(_GENERAL)]
    remaining = [int(answer.headers["ratelimit-remaining"]) for answer in answers]
    assert remaining == [*range(_GENERAL - 2, -1, -1), 0]
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused.headers["ratelimit-limit"] == str(_GENERAL)
    assert refused.headers["retry-after"] == "60"
    assert 0 < int(refused.headers["ratelimit-reset"]) <= 60
    error = refused.json()["error"]
    assert (error["code"], error["retry_after_seconds"]) == ("RATE_LIMIT_EXCEEDED", 60)
    assert error["message"].startswith("Too many requests")


async def test_refused_requests_read_no_session(own_redis_url: str) -> None:
    settings = {"JWT_SECRET": SECRET, "RATE_LIMIT_GENERAL": str(_GENERAL)}
    with running(own_redis_url, **settings) as instance:  # type: ignore[arg-type] # no `port`
        await _exceed_limit(instance, own_redis_url)


async def _exceed_limit(instance: Instance, redis_url: str) -> None:
    async with _clients((instance, instance), tokens.host("flood")) as (one, _):
        session_id = await one.created(chess())
        for _ in range(_GENERAL):
            await one.get(session_id)
        with Redis.from_url(redis_url) as redis:
            before = _session_reads(redis)
            answers = [await one.get(session_id) for _ in range(50)]
            assert _session_reads(redis) == before
    assert _status_counts(answers) == {429: 50}


def _session_reads(redis: "Redis") -> int:
    """Return how often sessions were read."""
    counts = redis.info("commandstats")
    return sum(
        int(counts.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("hmget", "hgetall")
    )


async def test_the_switches_of_a_session_per_second_are_limited(
    limited: tuple[Instance, Instance],
) -> None:
    async with _clients(limited, tokens.service()) as (one, two):
        session_id = await one.started(chess())
        began = time.monotonic()
        answers = await asyncio.gather(
            *((one, two)[n % 2].do(session_id, "switch") for n in range(40))
        )
        took_s = time.monotonic() - began
    switched = _status_counts(answers)[200]
    assert 5 <= switched <= 5 * (1 + took_s)
    refused = next(answer for answer in answers if answer.status_code == 429)
    error = refused.json()["error"]
    assert (refused.headers["retry-after"], error["retry_after_seconds"]) == ("1", 1)
    assert error["message"].startswith("Too many cycle switches")


async def test_refused_switches_of_others_do_not_limit_the_active_participant(
    limited: tuple[Instance, Instance],
) -> None:
    body = chess()
    async with _clients(limited, tokens.service()) as (one, _):
        session_id = await one.started(body)
        on_move, off_move = (p["participant_id"] for p in body["participants"])
        answers = []
        for token in (tokens.host("mallory"), tokens.participant(session_id, off_move)):
            one.http.headers.update(bearer(token))
            answers += [await one.do(session_id, "switch") for _ in range(6)]
        assert {404, 409, 429} == set(_status_counts(answers))
        one.http.headers.update(bearer(tokens.participant(session_id, on_move)))
        assert (await one.do(session_id, "switch")).status_code == 200


async def test_the_limit_of_a_participant_is_separate_in_each_session(
    limited: tuple[Instance, Instance],
) -> None:
    body = chess()
    victim = body["participants"][0]["participant_id"]
    async with _clients(limited, tokens.host("mallory")) as (one, _):
        own_session = await one.created(body)
        for _ in range(_GENERAL + 1):
            last = await one.http.get(
                f"/v1/sessions/{own_session}",
                headers=bearer(tokens.participant(own_session, victim)),
            )
        assert last.status_code == 429
    async with _clients(limited, tokens.service()) as (one, _):
        session_id = await one.started(body)
        one.http.headers.update(bearer(tokens.participant(session_id, victim)))
        assert (await one.do(session_id, "switch")).status_code == 200


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        (tokens.host("scribbler"), "/v1/sessions", 400),
        (tokens.spectator("5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"), "/v1/sessions", 403),
    ],
)
async def test_invalid_and_forbidden_requests_count_too(
    limited: tuple[Instance, Instance], token: str, path: str, status: int
) -> None:
    async with _clients(limited, token) as (one, _):
        answers = [await one.http.post(path, json={"bad": 1}) for _ in range(2 * _GENERAL)]
    assert set(_status_counts(answers)) == {status, 429}
    assert answers[0].status_code == status


async def test_hosts_of_one_name_in_two_tenants_have_separate_limits(
    limited: tuple[Instance, Instance],
) -> None:
    async with _clients(limited, tokens.host("first")) as (one, _):
        session_id = await one.created(chess())
        await asyncio.gather(*(one.get(session_id) for _ in range(_GENERAL)))
        assert (await one.get(session_id)).status_code == 429
    async with _clients(limited, tokens.host("first", tenant="acme")) as (one, _):
        assert (await one.create(chess())).status_code == 201


async def test_a_batch_counts_as_one_request(
    limited: tuple[Instance, Instance],
) -> None:
    async with _clients(limited, tokens.host("reader")) as (one, _):
        session_id = await one.created(chess())
        body = {"session_ids": [session_id]}
        batch = await one.http.post("/v1/sessions/batch", json=body)
        assert batch.headers["ratelimit-remaining"] == str(_GENERAL - 2)


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/v1/time", "/api-docs.json"])
async def test_operational_paths_and_the_document_are_not_limited(
    limited: tuple[Instance, Instance], path: str
) -> None:
    async with _clients(limited, "none") as (one, _):
        answers = [await one.http.get(path) for _ in range(_GENERAL + 5)]
    assert _status_counts(answers) == {200: _GENERAL + 5}
    assert "ratelimit-limit" not in answers[-1].headers


async def test_the_live_sessions_of_a_host_are_limited(
    limited: tuple[Instance, Instance],
) -> None:
    async with _clients(limited, tokens.host("collector")) as (one, two):
        answers = await asyncio.gather(*((one, two)[n % 2].create(chess()) for n in range(8)))
        assert _status_counts(answers) == {201: 4, 429: 4}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["error"]["details"] == {"max_sessions": 4}
        kept = next(answer for answer in answers if answer.status_code == 201)
        await one.do(kept.json()["data"]["session_id"], "cancel")
        assert (await two.create(chess())).status_code == 201


async def test_wrong_keys_over_a_socket_count_like_those_of_requests(
    limited: tuple[Instance, Instance],
) -> None:
    async with _clients(limited, tokens.host("guesser")) as (one, _):
        session_id = await one.created(chess())
        wrong = {"type": "AUTHENTICATE", "token": new_key(new_key_id())}
        query = f"&token={tokens.host('guesser')}"
        async with connect_live(limited[0], session_id, query) as follower:
            codes: list[str] = []
            # A window may end meanwhile, and the next one counts anew.
            while "RATE_LIMIT_EXCEEDED" not in codes and len(codes) <= 2 * _GENERAL:
                await follower.send(wrong)
                codes.append((await follower.until_type("ERROR"))["code"])
        assert len(codes) > _GENERAL
        assert codes[-1] == "RATE_LIMIT_EXCEEDED"
        refused = await one.get(session_id, bearer(wrong["token"]))
        assert refused.status_code == 429


@pytest.fixture(scope="module")
def behind_a_proxy(redis_url: str) -> Iterator[Instance]:
    """An instance without authentication, behind one proxy."""
    with running(redis_url, RATE_LIMIT_GENERAL="3", TRUSTED_PROXY_HOPS="1") as instance:
        yield instance


async def test_without_tokens_the_caller_is_the_address_that_the_proxy_saw(
    behind_a_proxy: Instance,
) -> None:
    async with httpx.AsyncClient(base_url=behind_a_proxy.url, timeout=30) as http:

        async def status_for(forwarded: str) -> int:
            headers = {"X-Forwarded-For": forwarded}
            return (await http.post("/v1/sessions", json=chess(), headers=headers)).status_code

        assert [await status_for(f"203.0.113.{n}, 192.0.2.1") for n in range(4)] == [
            201,
            201,
            201,
            429,
        ]
        assert await status_for("203.0.113.0, 192.0.2.2") == 201


@pytest.mark.parametrize(("failure", "status"), [("open", 200), ("closed", 503)])
async def test_rate_limit_failure_decides_on_requests_that_cannot_be_counted(
    own_redis_url: str, failure: str, status: int
) -> None:
    with (
        running(own_redis_url, RATE_LIMIT_FAILURE=failure) as instance,
        Redis.from_url(own_redis_url) as redis,
    ):
        async with httpx.AsyncClient(base_url=instance.url, timeout=20) as http:
            session_id = await ApiClient(http).created(chess())
            # A full store can still update an existing counter.
            redis.delete(*redis.keys("*:counter:*"))
            redis.config_set("maxmemory", "1")
            answer = await http.get(f"/v1/sessions/{session_id}")
    assert answer.status_code == status
