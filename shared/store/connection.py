"""Interface of a Redis connection, implemented for the native protocol and for Upstash REST."""

import asyncio
import re
from collections.abc import Awaitable, Hashable, Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol, TypeVar

from shared.application.errors import StoreUnavailable
from shared.domain.values import Value

Argument = str | int | bytes
Arguments = Sequence[Argument]
Command = Sequence[Argument]
Reply = Any
"""A RESP2 reply: integer, bytes, None, or a list of these."""

GroupOutcome = list[Reply] | StoreUnavailable
"""The replies to a group of commands, or the outage of the part of the store with its keys."""

_T = TypeVar("_T")

_SCRIPTS = Path(__file__).parent / "scripts"
_COMMENT = re.compile(r"^[ \t]*(?:--.*)?", re.MULTILINE)
_REQUIRED = re.compile(r"^-- require: (\w+)$", re.MULTILINE)


class Script(Value, frozen=True):
    """A Lua script, and its SHA-1 digest for `EVALSHA`."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str) -> "Script":
        """Return the script with this text."""
        return cls(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


@cache
def load_script(name: str) -> Script:
    """Load a script from `scripts/`, without comments and indentation.

    A line `-- require: <name>` places the functions of another file before the script, in one line.
    So line numbers stay the same, because Redis names them in errors. Every key and channel that a
    script uses is among its KEYS.
    """
    text = (_SCRIPTS / f"{name}.lua").read_text()
    required = [_in_one_line(other) for other in _REQUIRED.findall(text)]
    return Script.of("".join(required) + _COMMENT.sub("", text))


def _in_one_line(name: str) -> str:
    return _COMMENT.sub("", (_SCRIPTS / f"{name}.lua").read_text()).replace("\n", " ")


class OptionalScript(Value, frozen=True):
    """A script run among other commands, whose failure doesn't fail those.

    Its reply is then `FailedReply`.
    """

    script: Script
    keys: Sequence[str]
    arguments: Sequence[Argument]

    def as_command(self, text: str) -> Command:
        """Return the `EVAL` command; `text` is the script's text as this Redis needs it."""
        return ("EVAL", text, len(self.keys), *self.keys, *self.arguments)


class FailedReply(Value, frozen=True, gc=True):
    """The error of an `OptionalScript`, in place of its reply."""

    error: Exception


def require_replies(commands: Sequence[Command | OptionalScript], replies: Sequence[Reply]) -> None:
    """Raise `StoreUnavailable` if a command failed that is not an `OptionalScript`."""
    for command, reply in zip(commands, replies, strict=True):
        if isinstance(reply, FailedReply) and not isinstance(command, OptionalScript):
            raise StoreUnavailable from reply.error


def split_replies(
    groups: Sequence[Sequence[Command]], replies: Sequence[Reply]
) -> Iterator[list[Reply]]:
    """Split `replies` to the commands of all groups, in order, into the replies of each group."""
    rest = iter(replies)
    return ([next(rest) for _ in group] for group in groups)


async def gather_available(calls: Iterable[Awaitable[_T]]) -> list[_T | None]:
    """Run calls to parts of the store concurrently; a result is None if its part is unavailable.

    Raises `StoreUnavailable` if all of them are, and any other exception that a call raises.
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


class StoreConnection(Protocol):
    """Commands to one Redis. Every method raises `StoreUnavailable`, in bounded time.

    Commands must be idempotent: they are sent again after a broken connection.
    """

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        """Send `commands` in one round trip and return their replies.

        They are not a transaction: Redis may run other clients' commands in between. The reply to
        an `OptionalScript` that failed is `FailedReply`.
        """

    async def execute_groups(self, groups: Sequence[Sequence[Command]]) -> list[GroupOutcome]:
        """Send independent groups of commands in one round trip.

        Returns, for each group, its replies or the `StoreUnavailable` of the part of the store that
        holds its keys. Raises `StoreUnavailable` only if no part can be reached.
        """

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        """Run `script`, in one round trip if the server has it cached."""

    def route(self, key: str) -> Hashable | None:
        """Return an identifier of the connection that commands for `key` use now.

        It changes whenever another server may answer them. None means that there is no connection,
        or that the server can't be identified.
        """

    async def close(self) -> None:
        """Close the connection."""
