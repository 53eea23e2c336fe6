"""Classifies error replies of Redis by what they say about the server.

| reply begins with | meaning | reaction |
|---|---|---|
| `READONLY`, `MISCONF`, `NOREPLICAS`, `UNBLOCKED` | the server takes no changes | connect again |
| `LOADING`, `MASTERDOWN`, `CLUSTERDOWN` | it serves nothing now | send nothing until it does |
| `MOVED`, `ASK` | the key is on another node | send there; without a cluster, connect again |
| `TRYAGAIN` | the slot is moving to another node | wait a little and repeat |
| `NOSCRIPT` | it doesn't know the script | send the script's text |
| any other | the command is wrong, not allowed, or too large (`OOM`) | raise |

`OOM` is no reason to connect again: the same server has the same memory a moment later.

For an error inside a script, Redis 6.2 puts a text before it: "ERR Error running script (call to
f_...): @user_script:12: -READONLY You can't ...". From Redis 7 on the reply begins with the error.
"""

import re
from enum import Enum, auto

from hiredis import ReplyError


class ErrorKind(Enum):
    """The state of a server, according to its error reply."""

    REFUSES_CHANGES = auto()
    SERVES_NOTHING = auto()
    ELSEWHERE = auto()
    MIGRATING = auto()
    UNKNOWN_SCRIPT = auto()
    FAULT = auto()
    """The command fails on every server: it is wrong, or lacks memory or a permission."""


_STATES = {
    "READONLY": ErrorKind.REFUSES_CHANGES,
    "MISCONF": ErrorKind.REFUSES_CHANGES,
    "NOREPLICAS": ErrorKind.REFUSES_CHANGES,
    "UNBLOCKED": ErrorKind.REFUSES_CHANGES,
    "LOADING": ErrorKind.SERVES_NOTHING,
    "MASTERDOWN": ErrorKind.SERVES_NOTHING,
    "CLUSTERDOWN": ErrorKind.SERVES_NOTHING,
    "MOVED": ErrorKind.ELSEWHERE,
    "ASK": ErrorKind.ELSEWHERE,
    "TRYAGAIN": ErrorKind.MIGRATING,
    "NOSCRIPT": ErrorKind.UNKNOWN_SCRIPT,
}
_ANY = "|".join(_STATES)
_CODE = re.compile(rf"(?:ERR Error running script.*?: -?)?({_ANY})\b", re.DOTALL)


def error_kind(error: ReplyError) -> ErrorKind:
    """Return the server's state according to `error`; `ErrorKind.FAULT` for any other error."""
    found = _CODE.match(str(error))
    return _STATES[found[1]] if found else ErrorKind.FAULT
