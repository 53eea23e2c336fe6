"""Links between operations in the OpenAPI document (OpenAPI 3.1 section 4.8.20)."""

from typing import Any

from shared.http.openapi.examples import operation_name

_SESSIONS = "/v1/sessions"
_SESSION = _SESSIONS + "/{session_id}"
_PARTICIPANTS = _SESSION + "/participants"

_FROM_CREATION = {
    "session_id": "$response.body#/data/session_id",
    "participant_id": "$response.body#/data/participants/0/participant_id",
}
_FROM_JOINING = {
    "session_id": "$response.body#/data/session_id",
    "participant_id": "$request.body#/participant_id",
}


def add_links(paths: dict[str, Any]) -> None:
    """Add links to the `paths` of a document.

    Creating a session links to every operation on it, adding a participant to those on it.
    """
    on_sessions = {
        (path, method): operation
        for path, operations in paths.items()
        for method, operation in operations.items()
        if path.startswith(_SESSION)
    }
    on_participants = {
        key: operation for key, operation in on_sessions.items() if "{participant_id}" in key[0]
    }
    for source, targets, values in (
        (_SESSIONS, on_sessions, _FROM_CREATION),
        (_PARTICIPANTS, on_participants, _FROM_JOINING),
    ):
        if source in paths:
            paths[source]["post"]["responses"]["201"]["links"] = _links(targets, values)


def _links(
    operations: dict[tuple[str, str], dict[str, Any]], values: dict[str, str]
) -> dict[str, Any]:
    """Return a link to each of `operations`, with the path parameters from `values`."""
    return {
        operation_name(operation): {
            "operationId": operation["operationId"],
            "parameters": {name: v for name, v in values.items() if f"{{{name}}}" in path},
        }
        for (path, _), operation in operations.items()
    }
