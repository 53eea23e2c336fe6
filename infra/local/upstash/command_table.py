"""Which commands only read."""

from infra.local.upstash.backend import Backend
from infra.local.upstash.refusals import Command, name_of, subcommand_of
from infra.local.upstash.replies import Reply

_TOUCH_NOTHING = frozenset({"PING", "ECHO", "TIME"})
_TOO_BROAD = frozenset({"SCAN", "KEYS"})


class CommandTable:
    """What Redis itself says about its commands, asked for once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._reading: frozenset[str] = frozenset()

    async def only_reads(self, command: Command) -> bool:
        """Whether the command changes nothing, whatever its arguments are."""
        if not self._reading:
            [described] = await self._backend.ask([[b"COMMAND"]])
            self._reading = _TOUCH_NOTHING | {name for c in described for name in _reading_names(c)}
        name = name_of(command)
        return bool({name, f"{name}|{subcommand_of(command)}"} & self._reading)

    async def is_open_to_readers(self, command: Command) -> bool:
        """Whether a read-only token allows it."""
        return name_of(command) not in _TOO_BROAD and await self.only_reads(command)


def _reading_names(described: Reply) -> list[str]:
    """The command's name if it only reads, and of its subcommands (Redis 7) those that do."""
    own = [described[0].decode().upper()] if b"readonly" in described[2] else []
    parts = described[9] if len(described) > 9 else []
    return own + [name for part in parts for name in _reading_names(part)]
