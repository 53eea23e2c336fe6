"""Who may do what (API §4): the one table that everything else asks."""

from collections.abc import Mapping
from enum import StrEnum

from shared.access.callers import Role


class Operation(StrEnum):
    """What can be asked of a session."""

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
    """Where a role has a right."""

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
"""What is not in it is refused. The history tells what was said of others, so it is the host's."""
