"""Messages of webhooks, made of audit entries."""

from typing import Any

import msgspec

from shared.application.audit_entries import AuditEntry
from shared.application.ports.webhooks import WebhookMessage
from shared.application.session_view import encode_session_view, timestamp
from shared.domain.events import EventType
from shared.domain.session import Session
from shared.domain.units import Instant

ALL_EVENTS = "*"
TEST_EVENT = "webhook.test"

MAX_BODY_BYTES = 200_000
"""A larger body is sent without the session's state."""

_encode = msgspec.json.Encoder().encode


def event_name(event: EventType) -> str:
    """Return the name of an event at webhooks, such as `time.expired`."""
    return event.value.replace("_", ".", 1)


EVENT_NAMES = tuple(map(event_name, EventType))


def message_of(entry: AuditEntry, session: Session | None) -> WebhookMessage:
    """Return the message for an entry.

    It shows `session`, which is the session after the event, at the instant of the event. Without
    `session`, after a deletion, and where the body would be too large, it has no state.
    """
    event = event_name(entry.event)
    data: dict[str, Any] = {
        "session_id": entry.session_id,
        "version": entry.version,
        "cause": entry.event,
        "participant_id": entry.participant_id,
        "group_id": entry.group_id,
    }
    if entry.event is EventType.TIME_EXPIRED:
        data["deadline_ms"] = entry.occurred_at
        data["action_applied"] = entry.metadata.get("action_applied")
    if session is not None and entry.event is not EventType.SESSION_DELETED:
        data["state"] = encode_session_view(session, entry.occurred_at)
    given = {name: value for name, value in data.items() if value is not None}
    body = _body(event, entry.occurred_at, given)
    if len(body) > MAX_BODY_BYTES:
        given.pop("state", None)
        body = _body(event, entry.occurred_at, given)
    message_id = f"{entry.session_id}.{entry.version}"
    return WebhookMessage(message_id, event, body, entry.version)


def test_message(webhook_id: str, unique: str, now: Instant) -> WebhookMessage:
    """Return a message that only tests a webhook; `unique` makes its id unique."""
    body = _body(TEST_EVENT, now, {"webhook_id": webhook_id})
    return WebhookMessage(f"{webhook_id}.{unique}", TEST_EVENT, body)


def _body(event: str, at: Instant, data: dict[str, Any]) -> bytes:
    return _encode({"type": event, "timestamp": timestamp(at), "data": data})
