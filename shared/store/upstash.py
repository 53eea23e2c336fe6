"""A Redis by Upstash's REST protocol, through Upstash's own client."""

import logging
import ssl
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import httpx
from upstash_redis.errors import UpstashError

from shared.errors import StoreUnavailable
from shared.store.connection import (
    Argument,
    Attempt,
    Command,
    Reply,
    Script,
    in_groups,
    require_replies,
)
from shared.store.upstash_client import UpstashClient

_TIMEOUT = httpx.Timeout(0.8, connect=0.5)
_LIMITS = httpx.Limits(max_connections=16, keepalive_expiry=300)
_KEY_LOCKING = "#!lua flags=allow-key-locking\n"
"""Locks only the keys of a script while it runs, not the whole database; Upstash's alone."""

_log = logging.getLogger("synckairos.upstash")


class UpstashConnection:
    """`Connection` to the database at `url`; one request is one round trip.

    A connection that died while idle (a frozen function's does) is replaced once, silently:
    every command we send may be repeated (a commit is recognised by its operation id).
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
        """Forget every connection: those from before a snapshot lead nowhere."""
        http = httpx.AsyncClient(
            verify=self._certificates,
            timeout=self._timeout,
            limits=_LIMITS,
            event_hooks={"response": [_raise_refusals]},
        )
        self._redis = UpstashClient(self._url, self._token, http)

    async def ask(self, commands: Sequence[Command | Attempt]) -> list[Reply]:
        pipeline = self._redis.pipeline()
        for command in commands:
            pipeline.execute(_written(_plain(command)))
        replies = await _reported(pipeline.exec)
        _require(commands, replies)
        return [_read(reply) for reply in replies]

    async def ask_each(
        self, groups: Sequence[Sequence[Command]]
    ) -> list[list[Reply] | StoreUnavailable]:
        """See `Connection`. It is one database, whose groups fail together."""
        return list(in_groups(groups, await self.ask(list(chain.from_iterable(groups)))))

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Reply:
        locking = _with_key_locking(script)
        operands = (len(keys), *keys, *arguments)
        known = _written(("EVALSHA", locking.digest, *operands))
        try:
            return _read(await _reported(lambda: self._redis.execute(known)))
        except _UnknownScript:
            whole = _written(("EVAL", locking.text, *operands))
            return _read(await _reported(lambda: self._redis.execute(whole)))

    def route(self, key: str) -> Hashable | None:
        """None: which server answers is not told over REST."""
        return None

    async def close(self) -> None:
        await self._redis.close()


class _UnknownScript(Exception):
    """Upstash doesn't know the script, or has forgotten it."""


async def _reported(send: Callable[[], Awaitable[Any]], tries: int = 2) -> Any:
    """What `send` is answered. Raises `StoreUnavailable` for every failure but one of ours."""
    try:
        return await send()
    except httpx.TimeoutException as error:
        raise StoreUnavailable from error
    except httpx.TransportError as error:
        if tries == 1:
            raise StoreUnavailable from error
        return await _reported(send, tries - 1)
    except UpstashError as error:
        if str(error).startswith("NOSCRIPT"):
            raise _UnknownScript from error
        _log.warning("Upstash refused a command: %s", error)
        raise StoreUnavailable from error
    except (httpx.HTTPStatusError, ValueError, AttributeError) as error:
        # AttributeError: the client's own stumbling over one error in place of a list of replies.
        _log.warning("Upstash failed: %s", error)
        raise StoreUnavailable from error


async def _raise_refusals(response: httpx.Response) -> None:
    """Raise for a request that was refused as a whole; the client would take that for replies.

    A single command that fails has the status 400 and its error in the body.
    """
    is_single = not response.url.path.endswith("/pipeline")
    if response.status_code != 200 and not (is_single and response.status_code == 400):
        await response.aread()
        message = f"{response.status_code}: {response.text[:200]}"
        raise httpx.HTTPStatusError(message, request=response.request, response=response)


@cache
def _with_key_locking(script: Script) -> Script:
    return Script.of(_KEY_LOCKING + script.text)


def _plain(command: Command | Attempt) -> Command:
    if isinstance(command, Attempt):
        return command.as_command(_with_key_locking(command.script).text)
    return command


def _require(commands: Sequence[Command | Attempt], replies: Sequence[Reply]) -> None:
    try:
        require_replies(commands, replies)
    except StoreUnavailable as unavailable:
        _log.warning("Upstash refused a command: %s", unavailable.__cause__)
        raise


def _written(command: Command) -> list[str]:
    """The command as JSON can carry it.

    Its name in lower case: in upper case the client would turn replies into types of its own.
    """
    name, *arguments = (part.decode() if isinstance(part, bytes) else str(part) for part in command)
    return [name.lower(), *arguments]


def _read(reply: Any) -> Reply:
    """The reply with its texts as bytes, as they come from every other Redis."""
    if isinstance(reply, str):
        return reply.encode()
    if isinstance(reply, list):
        return [_read(part) for part in reply]
    return reply
