"""SyncKairos client: live timer sessions, synchronised to the server's clock."""

from synckairos.api_types import Group, Message, Participant, SessionState, SwitchResult
from synckairos.client import SyncKairos
from synckairos.clock import ServerClock
from synckairos.errors import ApiError, SyncKairosError, Unreachable
from synckairos.events import (
    Changed,
    Connection,
    Deleted,
    Event,
    Expired,
    PeriodEnded,
    Update,
    Warned,
)
from synckairos.session import Session

__all__ = [
    "ApiError",
    "Changed",
    "Connection",
    "Deleted",
    "Event",
    "Expired",
    "Group",
    "Message",
    "Participant",
    "PeriodEnded",
    "ServerClock",
    "Session",
    "SessionState",
    "SwitchResult",
    "SyncKairos",
    "SyncKairosError",
    "Unreachable",
    "Update",
    "Warned",
]
