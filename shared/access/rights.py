"""Rights of each role (API section 4)."""

from collections.abc import Mapping
from enum import StrEnum

from shared.access.callers import Role


class Operation(StrEnum):
    """An operation on sessions."""

    CREATE = "create"
    READ = "read"
    SUBSCRIBE = "subscribe"
    SWITCH = "switch"
    PAUSE = "pause"
    RESUME = "resume"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"
    DELETE = "delete"
    ADD_PARTICIPANT = "add participant"
    ADJUST_CLOCK = "adjust clock"
    READ_HISTORY = "read history"
    MINT_TOKEN = "mint token"


class Reach(StrEnum):
    """The sessions to which a right of a role applies."""

    ANYWHERE = "every session"
    OWN = "sessions it created"
    NAMED = "the session of its token"
    ON_MOVE = "the session of its token, while its own clock runs"
    IF_ALLOWED = "the session of its token, if that allows it"


_READING = (Operation.READ, Operation.SUBSCRIBE)

RIGHTS: Mapping[Role, Mapping[Operation, Reach]] = {
    Role.SERVICE: dict.fromkeys(Operation, Reach.ANYWHERE),
    Role.HOST: dict.fromkeys(Operation, Reach.OWN),
    Role.PARTICIPANT: {
        **dict.fromkeys(_READING, Reach.NAMED),
        Operation.SWITCH: Reach.ON_MOVE,
        Operation.PAUSE: Reach.IF_ALLOWED,
        Operation.RESUME: Reach.IF_ALLOWED,
    },
    Role.SPECTATOR: dict.fromkeys(_READING, Reach.NAMED),
}
"""Rights by role; every operation that is not listed is refused.

Participants and spectators may not read the history, which shows what others did."""
