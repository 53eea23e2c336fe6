"""Read-only commands, as Redis's `COMMAND` reports them."""

from infra.local.upstash.backend import RedisBackend
from infra.local.upstash.errors import Command, name_of, subcommand_of
from infra.local.upstash.replies import Reply

_READ_ONLY_WITHOUT_FLAG = frozenset({"PING", "ECHO", "TIME"})
_NOT_FOR_READ_ONLY_TOKENS = frozenset({"SCAN", "KEYS"})


class ReadOnlyCommands:
    """The read-only commands of a Redis server, requested once."""

    def __init__(self, backend: RedisBackend) -> None:
        self._backend = backend
        self._read_only: frozenset[str] = frozenset()

    async def is_read_only(self, command: Command) -> bool:
        """Whether the command is read-only for all arguments."""
        if not self._read_only:
            [entries] = await self._backend.ask([[b"COMMAND"]])
            names = {name for entry in entries for name in _read_only_names(entry)}
            self._read_only = _READ_ONLY_WITHOUT_FLAG | names
        name = name_of(command)
        return bool({name, f"{name}|{subcommand_of(command)}"} & self._read_only)

    async def is_allowed(self, command: Command) -> bool:
        """Whether the read-only token may run the command."""
        return name_of(command) not in _NOT_FOR_READ_ONLY_TOKENS and await self.is_read_only(
            command
        )


def _read_only_names(entry: Reply) -> list[str]:
    """The names of the command and its subcommands (Redis 7) that are read-only."""
    own = [entry[0].decode().upper()] if b"readonly" in entry[2] else []
    subcommands = entry[9] if len(entry) > 9 else []
    return own + [name for subcommand in subcommands for name in _read_only_names(subcommand)]
