"""Finds the primary with Redis Sentinel."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from hiredis import ReplyError
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from shared.store.redis.address import RedisAddress, ServerAddress
from shared.store.redis.handshake import ServerRefused, open_connection, send_commands
from shared.store.redis.pipeline import PipelinedConnection

FindPrimary = Callable[[], Awaitable[ServerAddress]]

_ANSWER_S = 0.3


def primary_finder(address: RedisAddress) -> FindPrimary:
    """Return a function that asks all Sentinels of `address` and returns the most named primary.

    It raises `ConnectionError` if no Sentinel names one within 0.3 s.
    """
    options: dict[str, Any] = {
        "username": address.sentinel_login.username,
        "password": address.sentinel_login.password,
        "socket_timeout": _ANSWER_S,
        "socket_connect_timeout": _ANSWER_S,
        "retry": Retry(NoBackoff(), 0),
    }
    if address.tls:
        options |= {"ssl": True, **address.tls.options}

    name = address.primary_name or ""

    async def ask(one: ServerAddress) -> ServerAddress:
        sentinel = Sentinel([(one.host, one.port)], sentinel_kwargs=options)  # type: ignore[no-untyped-call] # it has no types
        try:
            async with asyncio.timeout(_ANSWER_S):
                return ServerAddress(*await sentinel.discover_master(name))
        finally:
            for client in sentinel.sentinels:
                await client.aclose()

    async def find() -> ServerAddress:
        answers = await asyncio.gather(*map(ask, address.endpoints), return_exceptions=True)
        named = Counter(answer for answer in answers if isinstance(answer, ServerAddress))
        if not named:
            raise ConnectionError(f"no Sentinel names a primary: {answers[0]}")
        return named.most_common(1)[0][0]

    return find


async def open_primary(address: RedisAddress, find: FindPrimary) -> PipelinedConnection:
    """Open a connection to the primary, and check its role.

    Raises as `open_connection` does, and `ServerRefused` if the server is not a primary.
    """
    link = await open_connection(address, await find())
    try:
        (role,) = await send_commands(link, [("ROLE",)])
        if not isinstance(role, ReplyError) and role[0] != b"master":
            raise ServerRefused("the server that Sentinel names is not a primary yet")
    except BaseException:
        await link.close()
        raise
    return link
