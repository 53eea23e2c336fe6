"""`infra/scripts/check-redis`: whether a Redis can hold the sessions. Seven looks at it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

from redis.asyncio import RedisCluster
from redis.exceptions import AuthenticationError, MovedError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from upstash_redis.asyncio import Redis as UpstashRedis

from infra.checks.addresses import shown
from infra.checks.checking import Check, Unsound, look, tell, wants_json
from shared.settings import Settings, read_settings
from shared.store.redis.address import Endpoint, RedisAddress
from shared.store.redis.sentinel import primary_finder
from shared.store.redis.subscriber import plain_client

_ABOUT = (
    "Seven looks at REDIS_URL, or at UPSTASH_REDIS_REST_URL with its token."
    " Writes a few keys of its own, and removes them."
)

_OLDEST = (6, 2)
_LASTS_MS = 30_000
_COUNTING = "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return redis.call('PTTL', KEYS[1])"

Ask = Callable[..., Awaitable[Any]]


class Listens(Protocol):
    """Publishes and hears; returns what is to be told of it."""

    async def __call__(self, channel: str) -> str: ...


def main() -> int:
    """Look at the Redis of the environment; returns the exit code."""
    as_json, settings = wants_json("check-redis", _ABOUT), read_settings()
    if not (settings.redis_url or settings.upstash_redis_rest_url):
        sys.exit("Say which: REDIS_URL=rediss://..., or UPSTASH_REDIS_REST_URL and ..._TOKEN")
    return asyncio.run(_check(settings, as_json=as_json))


async def _check(settings: Settings, *, as_json: bool) -> int:
    opened = _native(settings) if settings.redis_url else _rest(settings)
    async with opened as (title, ask, listens):
        return tell(title, await look(_checks(ask, listens), _explained), as_json=as_json)


@asynccontextmanager
async def _native(settings: Settings) -> AsyncIterator[tuple[str, Ask, Listens]]:
    assert settings.redis_url
    url = settings.redis_url.get_secret_value()
    address = _address(url)
    is_named = address.primary_name is not None
    endpoint = await _primary(address) if is_named else address.endpoints[0]
    options: dict[str, Any] = {"decode_responses": True, "socket_connect_timeout": 4}
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(plain_client(address, endpoint, **options))
        cluster: RedisCluster | None = None

        async def ask(*command: str | int) -> Any:
            nonlocal cluster
            if cluster is None:
                try:
                    return await _said_by(redis, command)
                except MovedError:
                    cluster = await stack.enter_async_context(_cluster(address, endpoint))
            return await _said_by(cluster, command)

        async def listens(channel: str) -> str:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(channel)
                await redis.publish(channel, "hello")
                async for message in pubsub.listen():
                    if message["type"] == "message":
                        break
            return "published, and heard"

        yield shown(url), ask, listens


async def _said_by(redis: Any, command: Sequence[str | int]) -> Any:
    """The reply of a client of redis-py, which has no types for that."""
    return await redis.execute_command(*command)


def _address(url: str) -> RedisAddress:
    try:
        address = RedisAddress.of(url)
        _ = address.tls and address.tls.context
    except ValueError as error:
        sys.exit(f"REDIS_URL {error}.")
    return address


async def _primary(address: RedisAddress) -> Endpoint:
    """Where Sentinel says that the primary is."""
    try:
        return await primary_finder(address)()
    except ConnectionError as error:
        sys.exit(f"REDIS_URL: {error}.")


def _cluster(address: RedisAddress, endpoint: Endpoint) -> RedisCluster:
    """A client of the whole cluster that the server at `endpoint` is a part of."""
    tls = {"ssl": True, **address.tls.options} if address.tls else {}
    return RedisCluster(
        host=endpoint.host,
        port=endpoint.port,
        username=address.login.username,
        password=address.login.password,
        decode_responses=True,
        socket_connect_timeout=4,
        **tls,
    )


@asynccontextmanager
async def _rest(settings: Settings) -> AsyncIterator[tuple[str, Ask, Listens]]:
    assert settings.upstash_redis_rest_url
    assert settings.upstash_redis_rest_token
    url, token = settings.upstash_redis_rest_url, settings.upstash_redis_rest_token
    async with UpstashRedis(
        url, token.get_secret_value(), rest_retries=0, allow_telemetry=False
    ) as redis:

        async def ask(*command: str | int) -> Any:
            return await redis.execute([str(part) for part in command])

        async def listens(channel: str) -> str:
            await ask("PUBLISH", channel, "hello")
            return "published; over REST nobody can listen"

        yield shown(url), ask, listens


def _checks(ask: Ask, listens: Listens) -> list[Check]:
    """Seven, on keys of their own, which are removed and would end by themselves."""
    key = f"synckairos:check:{uuid4()}"

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
            left = int(await ask("EVAL", _COUNTING, 1, name, "1", _LASTS_MS))
            is_so = 0 < left <= _LASTS_MS
            return _require(is_so, f"a script sees {left} ms left", "a script may, and keys end")

    async def published() -> str:
        return await listens(f"{key}:channel")

    async def about() -> str:
        await ask("DEL", key)
        return _judged(_fields(await ask("INFO")))

    looks = {
        "ping": ping,
        "set, get": set_and_get,
        "hash": in_a_hash,
        "stream": in_a_stream,
        "script, ttl": lasting,
        "pub/sub": published,
        "server": about,
    }
    return [Check(name, check) for name, check in looks.items()]


@asynccontextmanager
async def _removed(ask: Ask, name: str) -> AsyncIterator[str]:
    try:
        yield name
    finally:
        await ask("DEL", name)


def _require(is_so: bool, complaint: str, praise: str) -> str:
    if not is_so:
        raise Unsound(complaint)
    return praise


def _fields(info: Any) -> dict[str, str]:
    """By name, whether the client has taken the text apart or not."""
    if isinstance(info, dict):
        return {str(name): str(value) for name, value in info.items()}
    lines = (line.partition(":") for line in str(info).splitlines() if ":" in line)
    return {name: value.strip() for name, _, value in lines}


def _judged(info: dict[str, str]) -> str:
    """What it says of itself. Raises `Unsound` where sessions would not be safe there."""
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
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, AuthenticationError) or said.startswith(("WRONGPASS", "NOAUTH")):
        return "the password (or user, or token) is not the right one"
    if "Unauthorized" in said:
        return "the token is not the right one"
    if isinstance(error, (RedisConnectionError, OSError)):
        return f"can't be reached: {said}. Upstash wants rediss://, with an s"
    if isinstance(error, RedisError):
        return f"it refuses: {said}"
    return f"{type(error).__name__}: {said}"


if __name__ == "__main__":
    sys.exit(main())
