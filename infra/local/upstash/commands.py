"""Parse the commands of a request, and refuse those that REST can't run."""

import json
from typing import NoReturn

Command = list[bytes]

_BLOCKING = "BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF"
_CONNECTION = "MULTI EXEC DISCARD WATCH UNWATCH AUTH HELLO SELECT CLIENT"
_SUBSCRIPTIONS = "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR"
_SERVER = "ACL CLUSTER COMMAND CONFIG DEBUG LATENCY MEMORY MODULE SAVE SHUTDOWN SLOWLOG"
_UNAVAILABLE = frozenset(" ".join((_BLOCKING, _CONNECTION, _SUBSCRIPTIONS, _SERVER)).split())

# Index of the first option: after the name, or after the name and `GROUP group consumer`.
_FIRST_OPTION = {"XREAD": 1, "XREADGROUP": 4}


class RequestError(Exception):
    """A request that fails as a whole, with an HTTP status and an error text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def name_of(command: Command) -> str:
    """Return the command's name in upper case."""
    return command[0].decode(errors="replace").upper()


def refusal(command: Command) -> str | None:
    """Return the error for a command that REST can't run, such as a blocking one, or `None`."""
    name = name_of(command)
    if name in _UNAVAILABLE or _blocks(name, command):
        return f"ERR Command is not available: '{name}'"
    return None


def parse_command(body: bytes) -> Command:
    """Return the command in a request's body. Raises `RequestError`."""
    return _command(_parse_json(body))


def parse_pipeline(body: bytes) -> list[Command]:
    """Return the commands in a pipeline's body. Raises `RequestError`."""
    items = _parse_json(body)
    if not (isinstance(items, list) and items):
        raise RequestError(400, "ERR failed to parse pipeline request")
    return [_command(item) for item in items]


def _blocks(name: str, command: Command) -> bool:
    if name not in _FIRST_OPTION:
        return False
    words = [word.upper() for word in command[_FIRST_OPTION[name] :]]
    return b"BLOCK" in words[: words.index(b"STREAMS") if b"STREAMS" in words else None]


def _parse_json(body: bytes) -> object:
    try:
        # Keep numbers as they were written: 1.50 must not become 1.5.
        return json.loads(body, parse_int=str, parse_float=str, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise RequestError(400, "ERR failed to parse command") from None


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _command(item: object) -> Command:
    if not (isinstance(item, list) and item):
        raise RequestError(400, "ERR failed to parse command: not an array, or empty")
    return [_argument(part) for part in item]


def _argument(part: object) -> bytes:
    if isinstance(part, bool):
        return b"true" if part else b"false"
    if not isinstance(part, str):
        text = "ERR failed to parse command: an argument is null, an array or object"
        raise RequestError(400, text)
    try:
        return part.encode()
    except UnicodeEncodeError:
        raise RequestError(400, "ERR failed to parse command: unpaired surrogate") from None
