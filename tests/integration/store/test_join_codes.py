"""The store of join codes: one code for each session, uses, and counted guesses."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import OwnerLimits, QuotaExceeded
from shared.application.ports.join_codes import (
    JoinCode,
    Joined,
    JoinRequest,
    OpenCode,
    TooManyGuesses,
)
from shared.domain.units import Instant
from shared.domain.values import replace
from shared.store.connection import StoreConnection
from shared.store.join_codes import (
    MOST_WRONG,
    MOST_WRONG_OF_ADDRESS,
    WRONG_WINDOW,
    RedisJoinCodes,
)
from shared.store.keys import StoreKeys

EXPIRES_AT = Instant(time.time_ns() // 1_000_000 + 3_600_000)
CODE = JoinCode("BCDFGH", "1", "session", "tenant", "participant", EXPIRES_AT, 3)
NAME = "tenant/session"
HERE = "192.0.2.1"
ALICE = "tenant:alice"
TOKEN = "4d9f0a52-0b5b-4f7c-a5e2-3c0f6f0b4a11"


@pytest.fixture
def codes(connection: StoreConnection, keys: StoreKeys) -> RedisJoinCodes:
    """The store under test."""
    return RedisJoinCodes(connection, keys)


def request(key: str, content: str = "content") -> JoinRequest:
    return JoinRequest(key, content)


async def test_an_open_code_is_found_by_its_session_and_by_its_letters(
    codes: RedisJoinCodes,
) -> None:
    assert await codes.find(NAME) is None
    assert await codes.open(NAME, CODE, None)
    assert await codes.find(NAME) == OpenCode(CODE, {})
    assert await codes.guess("BCDFGH", HERE) == OpenCode(CODE, {})
    await codes.close(NAME)
    assert await codes.find(NAME) is None
    assert await codes.guess("BCDFGH", HERE) is None


async def test_letters_belong_to_one_session_at_a_time(codes: RedisJoinCodes) -> None:
    assert await codes.open(NAME, CODE, None)
    other = replace(CODE, session_id="other", opening="2")
    assert not await codes.open("tenant/other", other, None)
    await codes.close(NAME)
    assert await codes.open("tenant/other", other, None)


async def test_of_two_that_replace_a_code_at_once_one_is_opened(codes: RedisJoinCodes) -> None:
    assert await codes.open(NAME, CODE, None)
    new = [replace(CODE, code=letters, opening=letters) for letters in ("JKMNPR", "STVWXY")]
    opened = await asyncio.gather(*(codes.open(NAME, one, CODE) for one in new))
    assert {*opened} == {False, True}
    assert await codes.find(NAME) == OpenCode(new[opened.index(True)], {})
    assert await codes.guess("BCDFGH", HERE) is None


async def test_a_code_its_entry_and_its_uses_expire_together(
    codes: RedisJoinCodes, keys: StoreKeys, redis: Redis
) -> None:
    await codes.open(NAME, CODE, None)
    await codes.use(CODE, None, request("request"), "token")
    names = [keys.join_code(CODE.code), keys.join_requests(CODE.code), keys.join_code_of(NAME)]
    assert [await redis.pexpiretime(name) for name in names] == [EXPIRES_AT] * 3
    await codes.close(NAME)
    assert not await redis.keys("*")


async def test_a_guess_reads_no_more_after_many_uses(
    codes: RedisJoinCodes, keys: StoreKeys, redis: Redis
) -> None:
    await codes.open(NAME, replace(CODE, max_uses=20), None)
    for n in range(20):
        await codes.use(replace(CODE, max_uses=20), None, request(f"request {n}"), "token")
    assert await redis.hlen(keys.join_code(CODE.code)) == 2


async def test_a_participant_is_taken_once_even_by_two_at_the_same_time(
    codes: RedisJoinCodes,
) -> None:
    await codes.open(NAME, CODE, None)
    found = await asyncio.gather(
        *(codes.use(CODE, "ada", request(str(n)), "token") for n in range(2))
    )
    assert "taken" in found
    assert Joined(CODE, "ada", "token") in found
    assert await codes.guess("BCDFGH", HERE) == OpenCode(replace(CODE, uses=1), {"ada": "token"})


async def test_a_repeated_request_uses_the_code_once(codes: RedisJoinCodes) -> None:
    await codes.open(NAME, CODE, None)
    for _ in range(5):
        assert await codes.use(CODE, None, request("request"), "token") == Joined(
            CODE, None, "token"
        )
        assert await codes.use(CODE, "ada", request("another"), "token") == Joined(
            CODE, "ada", "token"
        )
    assert await codes.find(NAME) == OpenCode(replace(CODE, uses=2), {"ada": "token"})


async def test_a_repeated_request_keeps_the_id_of_its_token(codes: RedisJoinCodes) -> None:
    await codes.open(NAME, CODE, None)
    for participant_id in (None, "ada"):
        key = request(f"of {participant_id}")
        used = [await codes.use(CODE, participant_id, key, token) for token in ("first", "second")]
        assert used == [Joined(CODE, participant_id, "first")] * 2


async def test_a_repeated_key_with_other_content_learns_nothing(codes: RedisJoinCodes) -> None:
    await codes.open(NAME, CODE, None)
    await codes.use(CODE, "ada", request("key"), "token")
    assert await codes.use(CODE, "ben", request("key", "other content"), "token") == "reused"
    assert await codes.find(NAME) == OpenCode(replace(CODE, uses=1), {"ada": "token"})


async def test_a_used_up_code_is_closed_except_for_repeated_requests(
    codes: RedisJoinCodes,
) -> None:
    await codes.open(NAME, CODE, None)
    found = await asyncio.gather(
        *(codes.use(CODE, f"p{n}", request(f"r{n}"), "token") for n in range(8))
    )
    assert found.count("closed") == 5
    assert [await codes.use(CODE, f"p{n}", request(f"r{n}"), "token") for n in range(8)] == found


async def test_a_use_that_is_given_back_is_free_again(codes: RedisJoinCodes) -> None:
    await codes.open(NAME, CODE, None)
    await codes.use(CODE, "ada", request("request"), "token")
    for _ in range(2):
        await codes.give_back(CODE, "ada", request("request"))
    assert await codes.find(NAME) == OpenCode(CODE, {})
    assert await codes.use(CODE, "ada", request("another"), "token") == Joined(CODE, "ada", "token")


async def counted_bytes(redis: Redis, keys: StoreKeys) -> int:
    """Return the bytes counted for Alice, which are all given back when the code has expired."""
    counted: Any = await redis.hgetall(keys.held(keys.join_codes_shard, ALICE))
    total = int(counted.get(b"#bytes", 0))
    hour = EXPIRES_AT // 3_600_000 + 1
    assert total == int(counted.get(b"#%d" % hour, 0))
    return total


async def use_many(codes: RedisJoinCodes, code: JoinCode, numbers: range) -> None:
    """Use the code for one participant after another, each with a request of its own."""
    for n in numbers:
        used = await codes.use(code, str(uuid4()), request(f"{n:032}", "c" * 32), TOKEN, ALICE)
        assert isinstance(used, Joined)


async def test_a_code_and_its_uses_count_among_the_bytes_of_the_owner(
    codes: RedisJoinCodes, keys: StoreKeys, redis: Redis
) -> None:
    code = replace(CODE, max_uses=1_000)
    await codes.open(NAME, code, None, ALICE)
    assert 512 < await counted_bytes(redis, keys) < 1_024
    await use_many(codes, code, range(600))
    stored = [keys.join_code(code.code), keys.join_requests(code.code), keys.join_code_of(NAME)]
    taken = sum([await redis.memory_usage(key, samples=0) or 0 for key in stored])
    assert taken <= await counted_bytes(redis, keys) <= 2 * taken


async def test_a_repeated_use_counts_once_and_one_that_is_given_back_not_at_all(
    codes: RedisJoinCodes, keys: StoreKeys, redis: Redis
) -> None:
    await codes.open(NAME, CODE, None, ALICE)
    empty = await counted_bytes(redis, keys)
    await codes.use(CODE, "ada", request("request"), TOKEN, ALICE)
    once = await counted_bytes(redis, keys)
    await codes.use(CODE, "ada", request("request"), TOKEN, ALICE)
    assert empty < await counted_bytes(redis, keys) == once
    for _ in range(2):
        await codes.give_back(CODE, "ada", request("request"), ALICE)
    assert await counted_bytes(redis, keys) == empty


async def test_uses_above_the_byte_limit_of_the_owner_are_refused_and_write_nothing(
    codes: RedisJoinCodes, keys: StoreKeys, redis: Redis
) -> None:
    await codes.open(NAME, CODE, None, ALICE)
    await codes.use(CODE, "ada", request("one"), TOKEN, ALICE)
    full = OwnerLimits(bytes=await counted_bytes(redis, keys))
    before = {key: await redis.dump(key) async for key in redis.scan_iter("*")}
    assert await codes.use(CODE, "ben", None, TOKEN, ALICE, full) == QuotaExceeded("bytes")
    assert await codes.use(CODE, None, request("two"), TOKEN, ALICE, full) == QuotaExceeded("bytes")
    other = replace(CODE, code="JKMNPR", session_id="other")
    assert await codes.open("tenant/other", other, None, ALICE, full) == QuotaExceeded("bytes")
    again = await codes.use(CODE, "ada", request("one"), TOKEN, ALICE, full)
    assert again == Joined(CODE, "ada", TOKEN)
    assert {key: await redis.dump(key) async for key in redis.scan_iter("*")} == before
    assert await codes.use(CODE, None, None, TOKEN, ALICE, full) == Joined(CODE, None, TOKEN)
    assert await codes.use(CODE, "ben", None, TOKEN, "tenant:bob", full) == Joined(
        CODE, "ben", TOKEN
    )


async def test_a_code_that_was_replaced_can_not_be_used(codes: RedisJoinCodes) -> None:
    await codes.open(NAME, CODE, None)
    await codes.open(NAME, replace(CODE, code="JKMNPR", opening="2"), CODE)
    assert await codes.use(CODE, "ada", None, "token") == "closed"


async def test_after_ten_wrong_codes_an_address_must_wait_even_with_the_right_one(
    codes: RedisJoinCodes,
) -> None:
    await codes.open(NAME, CODE, None)
    found = await asyncio.gather(
        *(codes.guess("ZZZZZZ", HERE) for _ in range(MOST_WRONG_OF_ADDRESS + 5))
    )
    assert found.count(None) == MOST_WRONG_OF_ADDRESS
    refused = await codes.guess("BCDFGH", HERE)
    assert isinstance(refused, TooManyGuesses)
    assert 0 < refused.retry_after_ms <= WRONG_WINDOW
    assert await codes.guess("BCDFGH", "192.0.2.2") == OpenCode(CODE, {})


async def test_right_codes_are_not_counted(codes: RedisJoinCodes) -> None:
    await codes.open(NAME, CODE, None)
    for _ in range(3 * MOST_WRONG_OF_ADDRESS):
        assert isinstance(await codes.guess("BCDFGH", HERE), OpenCode)


async def test_wrong_codes_of_all_addresses_together_are_bounded(
    codes: RedisJoinCodes, redis: Redis, keys: StoreKeys
) -> None:
    await codes.open(NAME, CODE, None)
    await redis.set(keys.wrong_codes(), MOST_WRONG - 1, px=WRONG_WINDOW)
    assert await codes.guess("ZZZZZZ", "192.0.2.3") is None
    assert isinstance(await codes.guess("BCDFGH", "192.0.2.4"), TooManyGuesses)


async def test_a_redis_that_can_not_count_does_not_tell_right_codes(
    codes: RedisJoinCodes, redis: Redis
) -> None:
    await codes.open(NAME, CODE, None)
    await redis.config_set("min-replicas-to-write", "1")
    try:
        for letters in ("BCDFGH", "ZZZZZZ"):
            with pytest.raises(StoreUnavailable):
                await codes.guess(letters, HERE)
    finally:
        await redis.config_set("min-replicas-to-write", "0")


async def test_a_full_redis_counts_wrong_codes_too(
    codes: RedisJoinCodes, fill: Callable[[], Awaitable[None]]
) -> None:
    await codes.open(NAME, CODE, None)
    await fill()
    assert await codes.guess("BCDFGH", HERE) == OpenCode(CODE, {})
    for _ in range(MOST_WRONG_OF_ADDRESS):
        assert await codes.guess("ZZZZZZ", HERE) is None
    assert isinstance(await codes.guess("BCDFGH", HERE), TooManyGuesses)
