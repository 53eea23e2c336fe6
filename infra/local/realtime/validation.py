"""Validate the messages of a batch; error texts in Supabase's wording."""

from typing import Any

from infra.local.realtime.client_messages import is_too_large
from infra.local.realtime.project import ProjectState

BLANK, TOO_LARGE = "can't be blank", "Payload size exceeds tenant limit"
_INVALID = "is invalid"
_FIELDS = (("topic", str), ("event", str), ("payload", dict))


def validation_errors(message: Any, project: ProjectState) -> dict[str, list[str]]:
    """Return a message's validation errors by field; empty if it is valid."""
    if not isinstance(message, dict):
        return {name: [BLANK] for name, _ in _FIELDS}
    faults = {}
    for name, field_type in _FIELDS:
        if (value := message.get(name)) in (None, ""):
            faults[name] = [BLANK]
        elif not isinstance(value, field_type):
            faults[name] = [_INVALID]
    if not isinstance(message.get("private", False), bool):
        faults["private"] = [_INVALID]
    if not faults and is_too_large(project, message["payload"]):
        faults["payload"] = [TOO_LARGE]
    return faults
