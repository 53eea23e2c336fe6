"""A Redis as the store sees it, whichever way it is reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol

Argument = str | int | bytes
Command = Sequence[Argument]
Reply = Any
"""As RESP2 has it: integers, bytes, None, and lists of these."""

_SCRIPTS = Path(__file__).parent / "scripts"


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
    """A script of ours. All that it touches is among its KEYS, channels too."""
    return Script.of((_SCRIPTS / f"{name}.lua").read_text())


class Connection(Protocol):
    """Commands to one Redis. Every method raises `StoreUnavailable`, in bounded time.

    What is sent may arrive twice where a connection broke under it, so it must be harmless then.
    """

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """Send `commands` in one round trip and return their replies; others may come between."""

    async def transact(self, commands: Sequence[Command]) -> None:
        """Do all of `commands` or none, in one round trip."""

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Reply:
        """Run `script`, in one round trip where the Redis knows it already."""

    async def close(self) -> None:
        """Let it go."""
