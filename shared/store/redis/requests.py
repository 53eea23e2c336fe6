"""Commands and scripts as bytes, and what their replies mean."""

from collections.abc import Callable, Sequence

from hiredis import ReplyError, pack_command

from shared.errors import StoreUnavailable
from shared.store.connection import Argument, Attempt, Command, Failed, Reply, Script

_packed: Callable[[tuple[Argument, ...]], bytes] = pack_command  # type: ignore[assignment] # its stub takes one argument


_TIME = _packed(("TIME",))


def pack(command: Command) -> bytes:
    """The command as RESP."""
    return _packed(tuple(command)) if len(command) > 1 or command[0] != "TIME" else _TIME


def pack_script(script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> bytes:
    """`EVALSHA`, which only a server can run that knows the script already."""
    return _packed(("EVALSHA", script.digest, len(keys), *keys, *arguments))


def pack_whole_script(script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> bytes:
    """`EVAL`, which makes the server know the script."""
    return _packed(("EVAL", script.text, len(keys), *keys, *arguments))


def pack_any(command: Command | Attempt) -> bytes:
    """A command, or an attempt by its script's digest."""
    if isinstance(command, Attempt):
        return pack_script(command.script, command.keys, command.arguments)
    return pack(command)


def read(commands: Sequence[Command | Attempt], replies: Sequence[Reply]) -> list[Reply]:
    """The replies, with `Failed` in place of the error of an `Attempt`.

    Raises `StoreUnavailable` for the error of a command.
    """
    result: list[Reply] = []
    for command, reply in zip(commands, replies, strict=True):
        if isinstance(reply, (ReplyError, StoreUnavailable)):
            if not isinstance(command, Attempt):
                raise unavailable(reply)
            reply = Failed(reply)
        result.append(reply)
    return result


def unavailable(error: Exception) -> StoreUnavailable:
    """The outage that an error amounts to."""
    if isinstance(error, StoreUnavailable):
        return error
    outage = StoreUnavailable()
    outage.__cause__ = error
    return outage
