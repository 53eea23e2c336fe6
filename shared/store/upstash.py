"""`StoreConnection` over Upstash's REST API, through Upstash's own client."""

import logging
import ssl
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import httpx
from upstash_redis.errors import UpstashError

from shared.application.errors import StoreUnavailable
from shared.store.connection import (
    Arguments,
    Command,
    GroupOutcome,
    OptionalScript,
    Reply,
    Script,
    require_replies,
    split_replies,
)
from shared.store.upstash_client import UpstashClient

_TIMEOUT = httpx.Timeout(0.8, connect=0.5)
_LIMITS = httpx.Limits(max_connections=16, keepalive_expiry=300)
_KEY_LOCKING = "#!lua flags=allow-key-locking\n"
"""Upstash extension: a running script locks only its keys, not the whole database."""

_log = logging.getLogger("synckairos.upstash")


class UpstashConnection:
    """`StoreConnection` to the database at `url`; one request is one round trip.

    If a connection fails, which those of a frozen function do, the request is sent once more on
    another one. That is safe: all commands are idempotent (commits by their operation id).
    """

    def __init__(
        self,
        url: str,
        token: str,
        certificates: ssl.SSLContext | None = None,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._certificates = certificates or httpx.create_ssl_context()
        self.reopen()

    def reopen(self) -> None:
        """Drop all connections: those made before a process snapshot are dead."""
        http = httpx.AsyncClient(
            verify=self._certificates,
            timeout=self._timeout,
            limits=_LIMITS,
            event_hooks={"response": [_raise_for_refusal]},
        )
        self._redis = UpstashClient(self._url, self._token, http)

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        pipeline = self._redis.pipeline()
        for command in commands:
            pipeline.execute(_encoded(_as_command(command)))
        replies = await _send(pipeline.exec)
        _require(commands, replies)
        return [_decoded(reply) for reply in replies]

    async def execute_groups(self, groups: Sequence[Sequence[Command]]) -> list[GroupOutcome]:
        """See `StoreConnection`. All groups go to one database, so they fail together."""
        return list(split_replies(groups, await self.ask(list(chain.from_iterable(groups)))))

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        locking = _with_key_locking(script)
        operands = (len(keys), *keys, *arguments)
        cached = _encoded(("EVALSHA", locking.digest, *operands))
        try:
            return _decoded(await _send(lambda: self._redis.execute(cached)))
        except _UnknownScript:
            whole = _encoded(("EVAL", locking.text, *operands))
            return _decoded(await _send(lambda: self._redis.execute(whole)))

    def route(self, key: str) -> Hashable | None:
        """Return None: the REST API doesn't tell which server answers."""
        return None

    async def close(self) -> None:
        await self._redis.close()


class _UnknownScript(Exception):
    """Upstash doesn't have the script in its cache."""


async def _send(send: Callable[[], Awaitable[Any]], tries: int = 2) -> Any:
    """Return the result of `send`. Raises `_UnknownScript`, and `StoreUnavailable` otherwise."""
    try:
        return await send()
    except httpx.TimeoutException as error:
        raise StoreUnavailable from error
    except httpx.TransportError as error:
        if tries == 1:
            raise StoreUnavailable from error
        return await _send(send, tries - 1)
    except UpstashError as error:
        if str(error).startswith("NOSCRIPT"):
            raise _UnknownScript from error
        _log.warning("Upstash refused a command: %s", error)
        raise StoreUnavailable from error
    except (httpx.HTTPStatusError, ValueError, AttributeError) as error:
        # The client raises AttributeError if it gets one error instead of a list of replies.
        _log.warning("Upstash failed: %s", error)
        raise StoreUnavailable from error


async def _raise_for_refusal(response: httpx.Response) -> None:
    """Raise `HTTPStatusError` for a request that was refused as a whole.

    The client would take the body for replies. A single command that fails has status 400 and its
    error in the body, which the client handles.
    """
    is_single = not response.url.path.endswith("/pipeline")
    if response.status_code != 200 and not (is_single and response.status_code == 400):
        await response.aread()
        message = f"{response.status_code}: {response.text[:200]}"
        raise httpx.HTTPStatusError(message, request=response.request, response=response)


@cache
def _with_key_locking(script: Script) -> Script:
    return Script.of(_KEY_LOCKING + script.text)


def _as_command(command: Command | OptionalScript) -> Command:
    if isinstance(command, OptionalScript):  # a pipeline can't fall back from `EVALSHA` to `EVAL`
        return command.as_command(_with_key_locking(command.script).text)
    return command


def _require(commands: Sequence[Command | OptionalScript], replies: Sequence[Reply]) -> None:
    try:
        require_replies(commands, replies)
    except StoreUnavailable as unavailable:
        _log.warning("Upstash refused a command: %s", unavailable.__cause__)
        raise


def _encoded(command: Command) -> list[str]:
    """Convert the command to strings for JSON.

    The name is in lower case: the client converts the replies of commands named in upper case.
    """
    name, *arguments = (part.decode() if isinstance(part, bytes) else str(part) for part in command)
    return [name.lower(), *arguments]


def _decoded(reply: Any) -> Reply:
    """Convert strings in the reply to bytes, as in the native protocol."""
    if isinstance(reply, str):
        return reply.encode()
    if isinstance(reply, list):
        return [_decoded(part) for part in reply]
    return reply
