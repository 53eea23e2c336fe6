"""`infra/scripts/check-redis`: whether a Redis can hold the sessions."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from hiredis import ReplyError
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from upstash_redis.asyncio import Redis as UpstashRedis

from infra.checks.addresses import shown
from infra.checks.checking import Check, Unsound, look, tell, wants_json
from infra.checks.redis_servers import Servers, decoded, fields_of
from shared.errors import StoreUnavailable
from shared.settings import Settings, read_settings
from shared.store.connection import Script
from shared.store.keys import Keys
from shared.store.redis import NativeConnection, RedisAddress
from shared.store.redis.handshake import Refused

_ABOUT = (
    "Checks REDIS_URL with STORE_SHARDS, or UPSTASH_REDIS_REST_URL with its token; of a cluster,"
    " every node. Writes a few keys of its own, and removes them."
)

_OLDEST = (6, 2)
_SHARD = Keys().all_shards[0]
"""A user may be allowed no other keys and channels than those of the service."""
_LASTS_MS = 30_000
_COUNTING = "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return redis.call('PTTL', KEYS[1])"


@dataclass(frozen=True, slots=True)
class Target:
    """A Redis, and how it is asked."""

    title: str
    ask: Callable[..., Awaitable[Any]]
    """Sends one command; returns its reply with text in place of bytes."""
    run: Callable[..., Awaitable[Any]]
    """Runs a script: its text, its one key, its arguments."""
    listens: Callable[[str], Awaitable[str]]
    """Publishes on a channel and hears it; returns what is to be told of that."""
    about: Callable[[], Awaitable[str]]
    """Returns what it says of itself. Raises `Unsound`."""
    more: list[Check]
    """What is checked there besides."""


def main() -> int:
    """Look at the Redis of the environment; returns the exit code."""
    as_json, settings = wants_json("check-redis", _ABOUT), read_settings()
    if not (settings.redis_url or settings.upstash_redis_rest_url):
        sys.exit("Say which: REDIS_URL=rediss://..., or UPSTASH_REDIS_REST_URL and ..._TOKEN")
    return asyncio.run(_check(settings, as_json=as_json))


async def _check(settings: Settings, *, as_json: bool) -> int:
    opened = _native(settings) if settings.redis_url else _rest(settings)
    async with opened as target:
        return tell(target.title, await look(_checks(target), _explained), as_json=as_json)


@asynccontextmanager
async def _native(settings: Settings) -> AsyncIterator[Target]:
    assert settings.redis_url
    url = settings.redis_url.get_secret_value()
    try:
        address = RedisAddress.of(url)
        connection = NativeConnection(address)
    except ValueError as error:
        sys.exit(f"REDIS_URL {error}")
    servers = Servers(address, Keys(settings.store_shards), connection, _explained)

    async def ask(*command: str | int) -> Any:
        return decoded((await connection.ask([command]))[0])

    async def run(text: str, key: str, *arguments: str | int) -> Any:
        return decoded(await connection.run(Script.of(text), [key], arguments))

    async def listens(channel: str) -> str:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        subscriber = await connection.subscriber(lambda kind, *_: heard.put_nowait(kind))
        try:
            subscriber.subscribe([channel])
            await _next(heard, subscriber.ended)
            await ask("PUBLISH", channel, "hello")
            await _next(heard, subscriber.ended)
        finally:
            await subscriber.close()
        return "published, and heard"

    async def about() -> str:
        return await servers.each(_judged)

    try:
        yield Target(shown(url), ask, run, listens, about, await servers.checks())
    finally:
        await connection.close()


@asynccontextmanager
async def _rest(settings: Settings) -> AsyncIterator[Target]:
    assert settings.upstash_redis_rest_url
    assert settings.upstash_redis_rest_token
    url, token = settings.upstash_redis_rest_url, settings.upstash_redis_rest_token
    async with UpstashRedis(
        url, token.get_secret_value(), rest_retries=0, allow_telemetry=False
    ) as redis:

        async def ask(*command: str | int) -> Any:
            return await redis.execute([str(part) for part in command])

        async def run(text: str, key: str, *arguments: str | int) -> Any:
            return await ask("EVAL", text, 1, key, *arguments)

        async def listens(channel: str) -> str:
            await ask("PUBLISH", channel, "hello")
            return "published; over REST nobody can listen"

        async def about() -> str:
            return _judged(await ask("INFO"))

        yield Target(shown(url), ask, run, listens, about, [])


def _checks(target: Target) -> list[Check]:
    """All of them, on keys of their own, which are removed and would end by themselves."""
    key, ask = f"{_SHARD}:check:{uuid4()}", target.ask

    async def ping() -> str:
        return str(await ask("PING"))

    async def set_and_get() -> str:
        await ask("SET", key, "1", "PX", _LASTS_MS)
        return _require(
            await ask("GET", key) == "1", "what was written can't be read", "written, read"
        )

    async def in_a_hash() -> str:
        async with _removed(ask, f"{key}:hash") as name:
            await ask("HSET", name, "a", "1", "b", "2")
            got = await ask("HMGET", name, "a", "b")
            return _require(list(got) == ["1", "2"], "a hash forgets", "two fields written, read")

    async def in_a_stream() -> str:
        async with _removed(ask, f"{key}:stream") as name:
            await ask("XADD", name, "*", "a", "1")
            length = int(await ask("XLEN", name))
            return _require(length == 1, "a stream forgets", "an entry added, counted")

    async def lasting() -> str:
        async with _removed(ask, f"{key}:script") as name:
            left = int(await target.run(_COUNTING, name, "1", _LASTS_MS))
            is_so = 0 < left <= _LASTS_MS
            return _require(is_so, f"a script sees {left} ms left", "a script may, and keys end")

    async def published() -> str:
        return await target.listens(f"{key}:channel")

    async def about() -> str:
        await ask("DEL", key)
        return await target.about()

    looks = {
        "ping": ping,
        "set, get": set_and_get,
        "hash": in_a_hash,
        "stream": in_a_stream,
        "script, ttl": lasting,
        "pub/sub": published,
        "server": about,
    }
    return [*(Check(name, check) for name, check in looks.items()), *target.more]


async def _next(heard: "asyncio.Queue[bytes]", ended: "asyncio.Future[None]") -> None:
    """Wait for something to be heard. Raises `Unsound` where the connection ends before."""
    hearing = asyncio.ensure_future(heard.get())
    both: list[asyncio.Future[Any]] = [hearing, ended]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not hearing.done():
        hearing.cancel()
        raise Unsound("the connection that listens is closed: may this user use pub/sub?")


@asynccontextmanager
async def _removed(ask: Callable[..., Awaitable[Any]], name: str) -> AsyncIterator[str]:
    try:
        yield name
    finally:
        await ask("DEL", name)


def _require(is_so: bool, complaint: str, praise: str) -> str:
    if not is_so:
        raise Unsound(complaint)
    return praise


def _judged(reply: Any) -> str:
    """What INFO says. Raises `Unsound` where sessions would not be safe there."""
    if isinstance(reply, ReplyError):
        return f"it tells nothing of itself ({reply}): see yourself to maxmemory-policy noeviction"
    info = fields_of(reply)
    version = info.get("redis_version") or info.get("upstash_version", "unknown")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if "redis_version" in info and numbers < _OLDEST:
        raise Unsound(f"version {version} is too old: 6.2 at least")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise Unsound(f"maxmemory-policy is {policy}: sessions would vanish. Set it to noeviction")
    memory = info.get("used_memory_human", "unknown memory")
    # Managed ones don't say.
    warning = (
        "; NO APPEND-ONLY FILE: a crash loses changes" if info.get("aof_enabled") == "0" else ""
    )
    return f"version {version}, {memory} used, {policy}{warning}"


def _explained(error: Exception) -> str:
    """A sentence for an exception; the reason of an outage is behind it."""
    while isinstance(error, StoreUnavailable) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, AuthenticationError) or said.startswith(("WRONGPASS", "NOAUTH")):
        return "the password (or user, or token) is not the right one"
    if "Unauthorized" in said:
        return "the token is not the right one"
    if "CERTIFICATE_VERIFY_FAILED" in said or "certificate verify failed" in said:
        return "its certificate is not trusted: add ?ssl_ca_certs=/path/ca.pem to REDIS_URL"
    if isinstance(error, (RedisConnectionError, OSError)):
        return f"can't be reached: {said}. Upstash wants rediss://, with an s"
    if isinstance(error, (RedisError, Refused, ReplyError)):
        return f"it refuses: {said}"
    return f"{type(error).__name__}: {said}"


if __name__ == "__main__":
    sys.exit(main())
