"""What an error reply says about the server, and what we do about it.

| reply begins with | the server says | what we do |
|---|---|---|
| `READONLY`, `MISCONF`, `NOREPLICAS`, `UNBLOCKED` | it takes no changes | connect again |
| `LOADING`, `MASTERDOWN`, `CLUSTERDOWN` | it serves nothing now | send nothing until it answers |
| `MOVED`, `ASK` | the key is on another node | go there; without a cluster, connect again |
| `TRYAGAIN` | its slot is on the way to another node | wait a little and repeat |
| `NOSCRIPT` | it doesn't know the script | send the script's text |
| all others | the command is wrong, not allowed, or too large (`OOM`) | raise: a fault of ours |

`OOM` is not a reason to connect again: the same server has the same memory a moment later.

Inside a script Redis 6.2 reports these errors behind a text of its own, "ERR Error running script
(call to f_...): @user_script:12: -READONLY You can't ...". From Redis 7 on they stand in front.
"""

import re
from enum import Enum, auto

from hiredis import ReplyError


class State(Enum):
    """What an error reply says about the server that sent it."""

    REFUSES_CHANGES = auto()
    SERVES_NOTHING = auto()
    ELSEWHERE = auto()
    MIGRATING = auto()
    UNKNOWN_SCRIPT = auto()
    FAULT = auto()
    """The command is at fault, or what it needs isn't there; another server would say the same."""


_STATES = {
    "READONLY": State.REFUSES_CHANGES,
    "MISCONF": State.REFUSES_CHANGES,
    "NOREPLICAS": State.REFUSES_CHANGES,
    "UNBLOCKED": State.REFUSES_CHANGES,
    "LOADING": State.SERVES_NOTHING,
    "MASTERDOWN": State.SERVES_NOTHING,
    "CLUSTERDOWN": State.SERVES_NOTHING,
    "MOVED": State.ELSEWHERE,
    "ASK": State.ELSEWHERE,
    "TRYAGAIN": State.MIGRATING,
    "NOSCRIPT": State.UNKNOWN_SCRIPT,
}
_ANY = "|".join(_STATES)
_CODE = re.compile(rf"(?:ERR Error running script.*?: -?)?({_ANY})\b", re.DOTALL)


def state_in(error: ReplyError) -> State:
    """What `error` says about the server; `State.FAULT` where it says nothing about it."""
    found = _CODE.match(str(error))
    return _STATES[found[1]] if found else State.FAULT
