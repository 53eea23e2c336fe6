"""Check, translate and run commands."""

from infra.local.upstash.backend import RedisBackend
from infra.local.upstash.command_table import ReadOnlyCommands
from infra.local.upstash.errors import Command, ErrorReply, permission_error, unavailable_error
from infra.local.upstash.replies import Reply
from infra.local.upstash.scripts import ScriptTranslator


class CommandExecutor:
    """Runs commands on Redis with the restrictions of Upstash's REST API."""

    def __init__(self, backend: RedisBackend, table: ReadOnlyCommands) -> None:
        self._backend = backend
        self._table = table
        self._scripts = ScriptTranslator()

    async def each(self, commands: list[Command], *, may_write: bool) -> list[Reply]:
        """Run a pipeline and return the replies. A refused or failed command affects no other."""
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

    async def transaction(
        self, commands: list[Command], *, may_write: bool
    ) -> list[Reply] | ErrorReply:
        """Run a transaction. A refused command discards it; a command that fails doesn't."""
        for command in commands:
            if refusal := await self.refusal(command, may_write=may_write):
                return refusal
        replies = await self._backend.transact([self._scripts.written(c) for c in commands])
        if isinstance(replies, ErrorReply):
            return replies
        return [self._scripts.read(c, reply) for c, reply in zip(commands, replies, strict=True)]

    async def refusal(self, command: Command, *, may_write: bool) -> ErrorReply | None:
        """Return the error if the command isn't allowed, else `None`."""
        if not may_write and not await self._table.is_allowed(command):
            return permission_error(command)
        return unavailable_error(command)
