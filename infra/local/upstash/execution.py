"""Commands checked, translated and run."""

from infra.local.upstash.backend import Backend
from infra.local.upstash.command_table import CommandTable
from infra.local.upstash.refusals import Command, Failure, no_permission, unavailable
from infra.local.upstash.replies import Reply
from infra.local.upstash.scripts import Scripts


class Execution:
    """Runs commands on a Redis as Upstash would."""

    def __init__(self, backend: Backend, table: CommandTable) -> None:
        self._backend = backend
        self._table = table
        self._scripts = Scripts()

    async def each(self, commands: list[Command], *, may_write: bool) -> list[Reply]:
        """The reply to each; one that is refused or fails doesn't keep the others from it."""
        refusals = [await self.refusal(command, may_write=may_write) for command in commands]
        written = [
            self._scripts.written(command)
            for command, refusal in zip(commands, refusals, strict=True)
            if not refusal
        ]
        replies = iter(await self._backend.ask(written))
        return [
            refusal or self._scripts.read(command, next(replies))
            for command, refusal in zip(commands, refusals, strict=True)
        ]

    async def together(self, commands: list[Command], *, may_write: bool) -> list[Reply] | Failure:
        """All as one transaction: a refusal of one discards it, an error of one doesn't."""
        for command in commands:
            if refusal := await self.refusal(command, may_write=may_write):
                return refusal
        replies = await self._backend.transact([self._scripts.written(c) for c in commands])
        if isinstance(replies, Failure):
            return replies
        return [self._scripts.read(c, reply) for c, reply in zip(commands, replies, strict=True)]

    async def refusal(self, command: Command, *, may_write: bool) -> Failure | None:
        """Why the command isn't run."""
        if not may_write and not await self._table.is_open_to_readers(command):
            return no_permission(command)
        return unavailable(command)
