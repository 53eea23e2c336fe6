"""Examples of the fields of answers in the OpenAPI document; requests have whole examples."""

import json
import re
from typing import Any

from shared.http.openapi.example import PARTICIPANT_ID, SESSION_ID

_REF = re.compile(r'"#/components/schemas/(\w+)"')
_INSTANT = "2026-01-31T09:30:05.123Z"
_EPOCH_MS = 1_769_851_805_123

_BY_NAME: dict[str, Any] = {
    "actor": "backend",
    "code": "too_small",
    "event": "time.expired",
    "field": "participants.0.total_time_ms",
    "game": "chess",
    "group_id": "red",
    "active_group_id": "red",
    "expired_group_id": "red",
    "item_id": "budget",
    "active_item_id": "budget",
    "connection_id": "9f86d081884c7d65",
    "key": "sb_publishable_example",
    "key_id": "Yt3mKq8RwZ1bPf5s",
    "NewApiKey.key": f"sk_synckairos_Yt3mKq8RwZ1bPf5s{'0' * 49}",
    "prefix": "sk_synckairos_Yt3mKq8RwZ1bPf5s",
    "message": "must be at least 1000ms",
    "message_id": f"{SESSION_ID}.7",
    "name": "Ada",
    "off_reason": "The receiver answered 410",
    "offset_ms": 120_000,
    "owner": "alice",
    "reason": "Fire alarm",
    "redis": "it can't be reached",
    "audit": "it can't be reached",
    "retry_after_seconds": 12,
    "request_id": "b3c1f0a4-7d52-4a5e-9d0e-2f6a8c1b5e77",
    "Deliveries.next": "1769851805123-0-0",
    "SessionList.next": "AZwTNZOjWn-aUmosTQyaOA8fTDt9EA",
    "SessionError.code": "SESSION_NOT_FOUND",
    "SessionError.status": 404,
    "SimulatedError.code": "CONFLICT",
    "server_time_ms": _EPOCH_MS,
    "server_version": "2.0.0",
    "factor_permille": 1_250,
    "timestamp_ms": _EPOCH_MS,
    "subject": "alice",
    "title": "Budget",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic3BlY3RhdG9yIn0.signature",
    "token_id": "4f9c2a7e1b6d8053",
    "topic": f"session:{SESSION_ID}",
    "SupabasePresenceTopics.topic": f"session-presence:participant:{SESSION_ID}",
    "url": "https://example.com/webhooks",
    "SocketSubscription.url": f"wss://synckairos.example.com/ws?sessionId={SESSION_ID}",
    "NoSubscription.url": f"https://synckairos.example.com/v1/sessions/{SESSION_ID}",
    "SupabaseSubscription.url": "https://project.supabase.co",
    "use": "meetings",
}
_BY_ENDING = {
    "_at": _INSTANT,
    "_by": _INSTANT,
    "not_after": _INSTANT,
    "participant_id": PARTICIPANT_ID,
    "starts_with": PARTICIPANT_ID,
    "ended_with": PARTICIPANT_ID,
    "winner": PARTICIPANT_ID,
    "_ms": 180_000,
}
_BY_FORMAT = {"uuid": SESSION_ID, "date-time": _INSTANT}
_BY_TYPE = {"integer": 1, "boolean": False}


def add_field_examples(document: dict[str, Any]) -> None:
    """Add an example to each scalar field of the schemas that only answers have.

    Raises `LookupError` for a text of which the tables know nothing.
    """
    schemas = document["components"]["schemas"]
    for name in schemas.keys() - _of_requests(document):
        for field, shape in schemas[name].get("properties", {}).items():
            scalar = _scalar(shape)
            if scalar is not None and "examples" not in shape:
                shape["examples"] = [_example(name, field, scalar)]


def _of_requests(document: dict[str, Any]) -> set[str]:
    """Return the names of the schemas of requests."""
    found: set[str] = set()
    operations = [each for path in document["paths"].values() for each in path.values()]
    pending = _REF.findall(json.dumps([each.get("requestBody") for each in operations]))
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _REF.findall(json.dumps(document["components"]["schemas"][name]))
    return found


def _scalar(shape: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of the number, text or flag; None of other values and of enumerations."""
    forms = [form for form in (shape, *shape.get("anyOf", ())) if "type" in form]
    scalars = [form for form in forms if form["type"] in ("string", *_BY_TYPE)]
    found = scalars[0] if scalars else None
    return None if found is None or "enum" in found or "const" in found else found


def _example(name: str, field: str, scalar: dict[str, Any]) -> Any:
    for key in (f"{name}.{field}", field):
        if key in _BY_NAME:
            return _BY_NAME[key]
    if scalar.get("format") in _BY_FORMAT:
        return _BY_FORMAT[scalar["format"]]
    for ending, value in _BY_ENDING.items():
        if field.endswith(ending):
            return value
    if scalar["type"] not in _BY_TYPE:
        raise LookupError(f"{__name__}: give an example of the field {field} of {name}")
    return _BY_TYPE[scalar["type"]]
