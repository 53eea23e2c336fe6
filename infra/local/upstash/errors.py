"""Errors for whole requests and for single commands, and the commands that REST can't run."""

from dataclasses import dataclass

Command = list[bytes]

_BLOCKING = "BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF"
_TRANSACTIONS = "MULTI EXEC DISCARD WATCH UNWATCH"
_SUBSCRIPTIONS = "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR"
_CONNECTION = "AUTH HELLO SELECT CLIENT QUIT RESET READONLY READWRITE ASKING"
_CLUSTER = "CLUSTER MIGRATE REPLICAOF SLAVEOF PSYNC SYNC FAILOVER REPLCONF"
_SERVER = (
    "ACL BGREWRITEAOF BGSAVE COMMAND CONFIG DEBUG LASTSAVE LATENCY LOLWUT MEMORY MODULE"
    " SAVE SHUTDOWN SLOWLOG SWAPDB"
)
_UNAVAILABLE = frozenset(
    " ".join((_BLOCKING, _TRANSACTIONS, _SUBSCRIPTIONS, _CONNECTION, _CLUSTER, _SERVER)).split()
) | {"SCRIPT DEBUG"}

# Index of the first option: after the name, or after the name and `GROUP group consumer`.
_FIRST_OPTION = {"XREAD": 1, "XREADGROUP": 4}


class RequestError(Exception):
    """A request that fails as a whole, with an HTTP status and an error text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The error reply of a command."""

    text: str


def name_of(command: Command) -> str:
    """Return the command's name in upper case."""
    return command[0].decode(errors="replace").upper()


def subcommand_of(command: Command) -> str:
    """Return the command's second word in upper case, or an empty string."""
    return name_of(command[1:]) if len(command) > 1 else ""


def unavailable_error(command: Command) -> ErrorReply | None:
    """Return the error for a command that REST can't run, such as a blocking one, or `None`."""
    name = name_of(command)
    if any(character.isspace() for character in name):  # redis-py would split it into two words
        return ErrorReply(f"ERR unknown command '{name}'")
    if {name, f"{name} {subcommand_of(command)}"} & _UNAVAILABLE or _blocks(name, command):
        return ErrorReply(f"ERR Command is not available: '{name}'")
    return None


def permission_error(command: Command) -> ErrorReply:
    """Return the error for a command that the token doesn't allow."""
    name = name_of(command).lower()
    return ErrorReply(
        f"NOPERM this user has no permissions to run the '{name}' command or its subcommand"
    )


def _blocks(name: str, command: Command) -> bool:
    if name not in _FIRST_OPTION:
        return False
    words = [word.upper() for word in command[_FIRST_OPTION[name] :]]
    return b"BLOCK" in words[: words.index(b"STREAMS") if b"STREAMS" in words else None]
