"""`infra/scripts/check-redis`: check that a Redis can hold the sessions."""

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

from infra.checks.redaction import redact_url
from infra.checks.redis_servers import RedisServerChecks, decode, parse_info
from infra.checks.runner import Check, CheckFailed, check_parser, print_results, run_checks
from shared.application.errors import StoreUnavailable
from shared.settings.settings import Settings, read_settings
from shared.store.connection import Script
from shared.store.keys import StoreKeys
from shared.store.redis import NativeConnection, RedisAddress
from shared.store.redis.handshake import ServerRefused

_DESCRIPTION = (
    "Checks REDIS_URL with STORE_SHARDS, or UPSTASH_REDIS_REST_URL with its token. Checks every"
    " primary of a cluster. Writes a few test keys and removes them."
)
_STAGES = ("dev", "staging", "production")

_MIN_VERSION = (6, 2)
_SHARD = StoreKeys().all_shards[0]
"""Prefix of the test keys: the user may have rights on the service's keys and channels only."""

_STAGE_KEY = f"{_SHARD}:stage"
"""The stage that this Redis belongs to."""

_KEY_TTL_MS = 30_000
_SET_AND_TTL = (
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return redis.call('PTTL', KEYS[1])"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A Redis and the operations to check, over its own protocol or over Upstash's REST API."""

    title: str
    ask: Callable[..., Awaitable[Any]]
    """Sends one command; returns its reply as text."""
    run: Callable[..., Awaitable[Any]]
    """Runs a Lua script with one key and arguments."""
    check_pubsub: Callable[[str], Awaitable[str]]
    """Publishes on a channel, receives the message where possible, and returns a message."""
    check_server: Callable[[], Awaitable[str]]
    """Checks version and settings; returns a message. Raises `CheckFailed`."""
    more_checks: list[Check]
    """Checks of single servers."""


def main() -> int:
    """Check the Redis that the environment names; return the exit code."""
    parser = check_parser("check-redis", _DESCRIPTION)
    parser.add_argument(
        "--stage",
        choices=_STAGES,
        help="reserve the Redis for this stage; fails if it is reserved for another one",
    )
    options, settings = parser.parse_args(), read_settings()
    if not (settings.redis_url or settings.upstash_redis_rest_url):
        sys.exit("Set REDIS_URL=rediss://..., or UPSTASH_REDIS_REST_URL and ..._TOKEN")
    return asyncio.run(_check(settings, options.stage, as_json=options.json))


async def _check(settings: Settings, stage: str | None, *, as_json: bool) -> int:
    connected = _native(settings) if settings.redis_url else _rest(settings)
    async with connected as target:
        checks = _checks(target) + ([_stage_check(target, stage)] if stage else [])
        return print_results(target.title, await run_checks(checks, _explain), as_json=as_json)


@asynccontextmanager
async def _native(settings: Settings) -> AsyncIterator[Target]:
    assert settings.redis_url
    url = settings.redis_url.get_secret_value()
    try:
        address = RedisAddress.of(url)
        connection = NativeConnection(address)
    except ValueError as error:
        sys.exit(f"REDIS_URL {error}")
    servers = RedisServerChecks(address, StoreKeys(settings.store_shards), connection, _explain)

    async def ask(*command: str | int) -> Any:
        return decode((await connection.ask([command]))[0])

    async def run(text: str, key: str, *arguments: str | int) -> Any:
        return decode(await connection.run(Script.of(text), [key], arguments))

    async def check_pubsub(channel: str) -> str:
        received: asyncio.Queue[bytes] = asyncio.Queue()
        subscriber = await connection.subscriber(lambda kind, *_: received.put_nowait(kind))
        try:
            subscriber.subscribe([channel])
            await _next(received, subscriber.ended)
            await ask("PUBLISH", channel, "hello")
            await _next(received, subscriber.ended)
        finally:
            await subscriber.close()
        return "published and received"

    async def check_server() -> str:
        return await servers.each(_check_info)

    try:
        yield Target(redact_url(url), ask, run, check_pubsub, check_server, await servers.checks())
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

        async def check_pubsub(channel: str) -> str:
            await ask("PUBLISH", channel, "hello")
            return "published; subscribing isn't possible over REST"

        async def check_server() -> str:
            return _check_info(await ask("INFO"))

        yield Target(redact_url(url), ask, run, check_pubsub, check_server, [])


def _checks(target: Target) -> list[Check]:
    """Return all checks of `target`; they remove the keys that they write."""
    key, ask = f"{_SHARD}:check:{uuid4()}", target.ask

    async def ping() -> str:
        return str(await ask("PING"))

    async def set_and_get() -> str:
        await ask("SET", key, "1", "PX", _KEY_TTL_MS)
        return _require(
            await ask("GET", key) == "1", "GET doesn't return the value written", "written and read"
        )

    async def hash_fields() -> str:
        async with _removed(ask, f"{key}:hash") as name:
            await ask("HSET", name, "a", "1", "b", "2")
            some, every = await ask("HMGET", name, "a", "b"), await ask("HGETALL", name)
            return _require(
                list(some) == ["1", "2"] and len(every) in (2, 4),
                "HMGET or HGETALL doesn't return the fields written",
                "two fields written and read",
            )

    async def stream() -> str:
        async with _removed(ask, f"{key}:stream") as name:
            await ask("XADD", name, "*", "a", "1")
            length = int(await ask("XLEN", name))
            return _require(
                length == 1, "XLEN doesn't count the entry added", "one entry added and counted"
            )

    async def script() -> str:
        async with _removed(ask, f"{key}:script") as name:
            left = int(await target.run(_SET_AND_TTL, name, "1", _KEY_TTL_MS))
            is_expiring = 0 < left <= _KEY_TTL_MS
            return _require(
                is_expiring, f"the script's key has a TTL of {left} ms", "scripts run, keys expire"
            )

    async def pubsub() -> str:
        return await target.check_pubsub(f"{key}:channel")

    async def server() -> str:
        await ask("DEL", key)
        return await target.check_server()

    checks = {
        "ping": ping,
        "set, get": set_and_get,
        "hash": hash_fields,
        "stream": stream,
        "script, ttl": script,
        "pub/sub": pubsub,
        "server": server,
    }
    return [*(Check(name, check) for name, check in checks.items()), *target.more_checks]


def _stage_check(target: Target, stage: str) -> Check:
    """Return the check that no other stage uses this Redis; it reserves the Redis for `stage`."""

    async def look() -> str:
        await target.ask("SET", _STAGE_KEY, stage, "NX")
        owner = await target.ask("GET", _STAGE_KEY)
        return _require(
            owner == stage,
            f"this Redis belongs to the stage {owner}: each stage needs its own. If {owner} no"
            f" longer uses it, delete the key {_STAGE_KEY}",
            f"belongs to {stage}",
        )

    return Check("stage", look)


async def _next(received: "asyncio.Queue[bytes]", ended: "asyncio.Future[None]") -> None:
    """Wait for a message. Raises `CheckFailed` if the connection ends first."""
    receiving = asyncio.ensure_future(received.get())
    both: list[asyncio.Future[Any]] = [receiving, ended]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not receiving.done():
        receiving.cancel()
        raise CheckFailed("the subscriber's connection was closed: is this user allowed pub/sub?")


@asynccontextmanager
async def _removed(ask: Callable[..., Awaitable[Any]], name: str) -> AsyncIterator[str]:
    try:
        yield name
    finally:
        await ask("DEL", name)


def _require(condition: bool, error: str, message: str) -> str:
    if not condition:
        raise CheckFailed(error)
    return message


def _check_info(reply: Any) -> str:
    """Check the reply to INFO. Raises `CheckFailed` if sessions could be lost on this server."""
    if isinstance(reply, ReplyError):
        return f"INFO is refused ({reply}): make sure that maxmemory-policy is noeviction"
    info = parse_info(reply)
    version = info.get("redis_version") or info.get("upstash_version", "unknown")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if "redis_version" in info and numbers < _MIN_VERSION:
        raise CheckFailed(f"version {version} is too old: 6.2 is the minimum")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise CheckFailed(
            f"maxmemory-policy is {policy}: sessions can be evicted. Set it to noeviction"
        )
    memory = info.get("used_memory_human", "unknown memory")
    # Managed services leave the field out.
    warning = (
        "; NO APPEND-ONLY FILE: a crash loses changes" if info.get("aof_enabled") == "0" else ""
    )
    return f"version {version}, {memory} used, {policy}{warning}"


def _explain(error: Exception) -> str:
    """Return a message for an exception, or for the cause of a `StoreUnavailable`."""
    while isinstance(error, StoreUnavailable) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, AuthenticationError) or reason.startswith(("WRONGPASS", "NOAUTH")):
        return "the password (or user, or token) is wrong"
    if "Unauthorized" in reason:
        return "the token is wrong"
    if "CERTIFICATE_VERIFY_FAILED" in reason or "certificate verify failed" in reason:
        return "its certificate is not trusted: add ?ssl_ca_certs=/path/ca.pem to REDIS_URL"
    if isinstance(error, (RedisConnectionError, OSError)):
        return f"can't be reached: {reason}. Upstash needs rediss://, with two s"
    if isinstance(error, (RedisError, ServerRefused, ReplyError)):
        return f"Redis reports an error: {reason}"
    return f"{type(error).__name__}: {reason}"


if __name__ == "__main__":
    sys.exit(main())
