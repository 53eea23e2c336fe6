"""What is wrong with messages of a batch, as Supabase words it."""

from typing import Any

from infra.local.realtime.project import Project
from infra.local.realtime.speaking import is_too_large

BLANK, TOO_LARGE = "can't be blank", "Payload size exceeds tenant limit"
_INVALID = "is invalid"
_KINDS = (("topic", str), ("event", str), ("payload", dict))


def faults_of(message: Any, project: Project) -> dict[str, list[str]]:
    """The faults by field; none where it can be sent."""
    if not isinstance(message, dict):
        return {name: [BLANK] for name, _ in _KINDS}
    faults = {}
    for name, kind in _KINDS:
        if (value := message.get(name)) in (None, ""):
            faults[name] = [BLANK]
        elif not isinstance(value, kind):
            faults[name] = [_INVALID]
    if not isinstance(message.get("private", False), bool):
        faults["private"] = [_INVALID]
    if not faults and is_too_large(project, message["payload"]):
        faults["payload"] = [TOO_LARGE]
    return faults
