"""Adds the examples of requests to the OpenAPI document."""

from typing import Any

from shared.http.openapi.command_examples import COMMANDS
from shared.http.openapi.creation_examples import CREATIONS
from shared.http.openapi.example import PARTICIPANT_ID, SESSION_ID

_PATH = {"session_id": SESSION_ID, "participant_id": PARTICIPANT_ID}
_QUERY: dict[str, dict[str, Any]] = {"replay": {"version": 1}, "list_sessions": {"metadata": {}}}
"""Examples of query parameters, by operation: a replay needs one of two."""


def add_examples(paths: dict[str, Any]) -> None:
    """Add the examples to the `paths` of a document.

    Raises `LookupError` if an operation has a body and no example.
    """
    for operations in paths.values():
        for operation in operations.values():
            name = operation_name(operation)
            values = _PATH | _QUERY.get(name, {})
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in values:
                    parameter["example"] = values[parameter["name"]]
            if "requestBody" in operation:
                examples = CREATIONS if name == "create" else COMMANDS[name]
                content = operation["requestBody"]["content"]["application/json"]
                content["examples"] = {each.name: each.document() for each in examples}


def operation_name(operation: dict[str, Any]) -> str:
    """Return the name of the endpoint that FastAPI has made the operation's id of."""
    return str(operation["operationId"]).partition("_v1_")[0]
