"""`StoreConnection` to one address, behind which the server may change (failover, Sentinel)."""

import asyncio
from collections.abc import Hashable, Sequence
from itertools import chain

from hiredis import ReplyError

from shared.store.connection import (
    Arguments,
    Command,
    GroupOutcome,
    OptionalScript,
    Reply,
    Script,
    split_replies,
)
from shared.store.redis.encoding import (
    as_unavailable,
    check_replies,
    pack,
    pack_any,
    pack_script,
    pack_whole_script,
)
from shared.store.redis.error_replies import ErrorKind, error_kind
from shared.store.redis.node import Node
from shared.store.redis.pipeline import PipelinedConnection

_TRIES_FOR_S = 0.8
"""How long a caller waits for another server at the same address to accept its command."""

_ANOTHER_MAY_TAKE_IT = (ErrorKind.REFUSES_CHANGES, ErrorKind.SERVES_NOTHING, ErrorKind.ELSEWHERE)


class SingleServerConnection:
    """Sends all commands to one address.

    If the server answers that it can't serve them (it may be a replica after a failover), a new
    connection to the address is opened and the commands are repeated there.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        data, count = b"".join(map(pack_any, commands)), len(commands)
        give_up: float | None = None
        while True:
            link, replies = await self._node.send(data, count)
            if ReplyError not in map(type, replies):
                return replies
            error = self._error_in(commands, replies, link)
            if error is None:
                break
            give_up = await self._wait_for_another(link, error, give_up)
        await self._retry_unknown_scripts(commands, replies)
        return check_replies(commands, replies)

    async def execute_groups(self, groups: Sequence[Sequence[Command]]) -> list[GroupOutcome]:
        """See `StoreConnection`. All groups go to one server, so they fail together."""
        return list(split_replies(groups, await self.ask(list(chain.from_iterable(groups)))))

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        data = pack_script(script, keys, arguments)
        give_up: float | None = None
        while True:
            link, (reply,) = await self._node.send(data, 1)
            if type(reply) is not ReplyError:
                return reply
            if error_kind(reply) is ErrorKind.UNKNOWN_SCRIPT:
                data = pack_whole_script(script, keys, arguments)
            else:
                give_up = await self._wait_for_another(link, reply, give_up)

    def route(self, key: str) -> Hashable | None:
        return self._node.link and self._node.link.number

    async def close(self) -> None:
        await self._node.close()

    def _error_in(
        self,
        commands: Sequence[Command | OptionalScript],
        replies: Sequence[Reply],
        link: PipelinedConnection,
    ) -> ReplyError | None:
        """Return the first error of a command that is not an `OptionalScript`, if there is one.

        Errors of attempts aren't retried, but may replace the connection for later commands.
        """
        for command, reply in zip(commands, replies, strict=True):
            if type(reply) is ReplyError:
                if not isinstance(command, OptionalScript):
                    return reply
                if (state := error_kind(reply)) in _ANOTHER_MAY_TAKE_IT:
                    self._leave(link, reply, state)
        return None

    async def _wait_for_another(
        self, link: PipelinedConnection, error: ReplyError, give_up: float | None
    ) -> float:
        """Wait for the next connection; returns the loop's time at which to give up.

        Raises `StoreUnavailable` if another server would answer the same, or the time is over.
        """
        state = error_kind(error)
        if state not in _ANOTHER_MAY_TAKE_IT:
            raise as_unavailable(error)
        self._leave(link, error, state)
        now = asyncio.get_running_loop().time()
        give_up = give_up or now + _TRIES_FOR_S
        if now >= give_up or not await self._node.changed(link, give_up):
            raise as_unavailable(error)
        return give_up

    def _leave(self, link: PipelinedConnection, error: ReplyError, state: ErrorKind) -> None:
        self._node.leave(link, error, serves=state is not ErrorKind.SERVES_NOTHING)

    async def _retry_unknown_scripts(
        self, commands: Sequence[Command | OptionalScript], replies: list[Reply]
    ) -> None:
        """Repeat attempts whose script the server didn't know, with the script's text."""
        unknown = [
            (place, command)
            for place, command in enumerate(commands)
            if isinstance(command, OptionalScript)
            and type(replies[place]) is ReplyError
            and error_kind(replies[place]) is ErrorKind.UNKNOWN_SCRIPT
        ]
        if unknown:
            whole = [command.as_command(command.script.text) for _, command in unknown]
            _, more = await self._node.send(b"".join(map(pack, whole)), len(whole))
            for (place, _), reply in zip(unknown, more, strict=True):
                replies[place] = reply
