"""What an answer leads on to, as links of the OpenAPI document (OpenAPI 3.1 §4.8.20)."""

from typing import Any

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


def link(paths: dict[str, Any]) -> None:
    """Add to the `paths` of a document: a new session leads to all that can be done with it, and
    one who joins to their clock."""
    on_sessions = {
        (path, method): operation
        for path, operations in paths.items()
        for method, operation in operations.items()
        if path.startswith(_SESSION)
    }
    on_clocks = {key: one for key, one in on_sessions.items() if key[1] == "patch"}
    for source, targets, values in (
        (_SESSIONS, on_sessions, _FROM_CREATION),
        (_PARTICIPANTS, on_clocks, _FROM_JOINING),
    ):
        if source in paths:
            paths[source]["post"]["responses"]["201"]["links"] = _links(targets, values)


def _links(
    operations: dict[tuple[str, str], dict[str, Any]], values: dict[str, str]
) -> dict[str, Any]:
    """One to each of `operations`, which takes from `values` what its path needs."""
    return {
        operation["operationId"].partition("_v1_")[0]: {
            "operationId": operation["operationId"],
            "parameters": {name: v for name, v in values.items() if f"{{{name}}}" in path},
        }
        for (path, _), operation in operations.items()
    }
