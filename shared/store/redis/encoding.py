"""Encodes commands and scripts as RESP, and converts error replies."""

from collections.abc import Callable, Sequence

from hiredis import ReplyError, pack_command

from shared.application.errors import StoreUnavailable
from shared.store.connection import Argument, Command, FailedReply, OptionalScript, Reply, Script

_packed: Callable[[tuple[Argument, ...]], bytes] = pack_command  # type: ignore[assignment] # its stub takes one argument


_TIME = _packed(("TIME",))


def pack(command: Command) -> bytes:
    """Encode a command as RESP."""
    return _packed(tuple(command)) if len(command) > 1 or command[0] != "TIME" else _TIME


def pack_script(script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> bytes:
    """Encode `EVALSHA`, which fails with `NOSCRIPT` unless the server has the script cached."""
    return _packed(("EVALSHA", script.digest, len(keys), *keys, *arguments))


def pack_whole_script(script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> bytes:
    """Encode `EVAL`, after which the server has the script cached."""
    return _packed(("EVAL", script.text, len(keys), *keys, *arguments))


def pack_any(command: Command | OptionalScript) -> bytes:
    """Encode a command, or an attempt as `EVALSHA`."""
    if isinstance(command, OptionalScript):
        return pack_script(command.script, command.keys, command.arguments)
    return pack(command)


def check_replies(
    commands: Sequence[Command | OptionalScript], replies: Sequence[Reply]
) -> list[Reply]:
    """Return the replies, with `FailedReply` in place of the error of an `OptionalScript`.

    Raises `StoreUnavailable` for the error of a command.
    """
    result: list[Reply] = []
    for command, reply in zip(commands, replies, strict=True):
        if isinstance(reply, (ReplyError, StoreUnavailable)):
            if not isinstance(command, OptionalScript):
                raise as_unavailable(reply)
            reply = FailedReply(reply)
        result.append(reply)
    return result


def as_unavailable(error: Exception) -> StoreUnavailable:
    """Wrap an error in `StoreUnavailable`, as its cause."""
    if isinstance(error, StoreUnavailable):
        return error
    outage = StoreUnavailable()
    outage.__cause__ = error
    return outage
