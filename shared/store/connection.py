"""A Redis as the store sees it, whichever way it is reached."""

import asyncio
import re
from collections.abc import Awaitable, Hashable, Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol, TypeVar

from shared.domain.frozen import dataclass
from shared.errors import StoreUnavailable

Argument = str | int | bytes
Command = Sequence[Argument]
Reply = Any
"""As RESP2 has it: integers, bytes, None, and lists of these."""

_T = TypeVar("_T")

_SCRIPTS = Path(__file__).parent / "scripts"
_COMMENT = re.compile(r"^[ \t]*(?:--.*)?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """Lua, and the digest by which a Redis remembers it."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str) -> "Script":
        """The script of that text."""
        return cls(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


@cache
def script(name: str) -> Script:
    """A script of ours. All that it touches is among its KEYS, channels too.

    Comments and indentation stay here; lines keep their numbers, which errors name.
    """
    return Script.of(_COMMENT.sub("", (_SCRIPTS / f"{name}.lua").read_text()))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A script that is run among commands which go on without it where it fails.

    It is sent whole: it can't be sent again there for a Redis that has forgotten it.
    """

    script: Script
    keys: Sequence[str]
    arguments: Sequence[Argument]

    def as_command(self, text: str) -> Command:
        """The command that runs it, by the `text` that this Redis is to get."""
        return ("EVAL", text, len(self.keys), *self.keys, *self.arguments)


@dataclass(frozen=True, slots=True)
class Failed:
    """What stands in the place of a reply: the error."""

    error: Exception


def require_replies(commands: Sequence[Command | Attempt], replies: Sequence[Reply]) -> None:
    """Raises `StoreUnavailable` where something has failed that is not an `Attempt`."""
    for command, reply in zip(commands, replies, strict=True):
        if isinstance(reply, Failed) and not isinstance(command, Attempt):
            raise StoreUnavailable from reply.error


def in_groups(
    groups: Sequence[Sequence[Command]], replies: Sequence[Reply]
) -> Iterator[list[Reply]]:
    """The replies of each group, of those to all of their commands in order."""
    rest = iter(replies)
    return ([next(rest) for _ in group] for group in groups)


async def each_that_can(calls: Iterable[Awaitable[_T]]) -> list[_T | None]:
    """The results of calls to parts of the store, made at the same time; None for an outage.

    Raises `StoreUnavailable` where all of them fail, and whatever else one of them raises.
    """
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    results: list[_T | None] = []
    outages: list[StoreUnavailable] = []
    for outcome in outcomes:
        if isinstance(outcome, StoreUnavailable):
            outages.append(outcome)
            results.append(None)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            results.append(outcome)
    if outages and len(outages) == len(outcomes):
        raise outages[0]
    return results


class Connection(Protocol):
    """Commands to one Redis. Every method raises `StoreUnavailable`, in bounded time.

    What is sent may arrive twice where a connection broke under it, so it must be harmless then.
    """

    async def ask(self, commands: Sequence[Command | Attempt]) -> list[Reply]:
        """Send `commands` in one round trip and return their replies; others may come between.

        The reply to an `Attempt` that failed is `Failed`.
        """

    async def ask_each(
        self, groups: Sequence[Sequence[Command]]
    ) -> list[list[Reply] | StoreUnavailable]:
        """Send groups of commands that don't need each other, in one round trip.

        Returns the replies of each group in order, or the outage of the part of the store that
        holds its keys. Raises `StoreUnavailable` only where no part can be reached.
        """

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Reply:
        """Run `script`, in one round trip where the Redis knows it already."""

    def route(self, key: str) -> Hashable | None:
        """Names the connection by which commands for `key` are sent now.

        It changes whenever another server may answer them. None while there is no connection, and
        where that can't be told.
        """

    async def close(self) -> None:
        """Let it go."""
