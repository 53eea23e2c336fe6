"""SyncKairos client: live timer sessions, synchronised to the server's clock."""

from synckairos.api_keys import ApiKey, ApiKeys
from synckairos.api_types import (
    Group,
    ListedSession,
    ListPage,
    Message,
    NamedTimeControl,
    Overtime,
    Participant,
    Phase,
    SessionState,
    SwitchResult,
    WireClock,
)
from synckairos.client import SyncKairos
from synckairos.clock import ServerClock
from synckairos.error_types import ErrorCode, ErrorContext, ErrorDetails, FieldError
from synckairos.errors import ApiError, SyncKairosError, Unreachable
from synckairos.events import (
    Changed,
    Connection,
    Deleted,
    Event,
    Expired,
    PeriodEnded,
    PresenceChanged,
    Update,
    Warned,
)
from synckairos.joining import FreeParticipant, Join, JoinCode, JoinedParticipant
from synckairos.presence import Presence, PresenceSummary, PresentConnection
from synckairos.session import Session
from synckairos.session_clock import SessionClock
from synckairos.session_list import ListFilter
from synckairos.webhooks import Deliveries, Delivery, Webhook, Webhooks
from synckairos.wire_clock import shown

__all__ = [
    "ApiError",
    "ApiKey",
    "ApiKeys",
    "Changed",
    "Connection",
    "Deleted",
    "Deliveries",
    "Delivery",
    "ErrorCode",
    "ErrorContext",
    "ErrorDetails",
    "Event",
    "Expired",
    "FieldError",
    "FreeParticipant",
    "Group",
    "Join",
    "JoinCode",
    "JoinedParticipant",
    "ListFilter",
    "ListPage",
    "ListedSession",
    "Message",
    "NamedTimeControl",
    "Overtime",
    "Participant",
    "PeriodEnded",
    "Phase",
    "Presence",
    "PresenceChanged",
    "PresenceSummary",
    "PresentConnection",
    "ServerClock",
    "Session",
    "SessionClock",
    "SessionState",
    "SwitchResult",
    "SyncKairos",
    "SyncKairosError",
    "Unreachable",
    "Update",
    "Warned",
    "Webhook",
    "Webhooks",
    "WireClock",
    "shown",
]
