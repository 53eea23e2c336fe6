"""The OpenAPI document: generated from the routes, complete with every error."""

import os
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

_ERRORS = {
    400: "`VALIDATION_ERROR` (`details` name each field) or `INVALID_STATE_TRANSITION`",
    401: "`UNAUTHENTICATED`: no token, or one that is not good here",
    403: "`FORBIDDEN`: the caller may read the session, but not do that",
    404: "`SESSION_NOT_FOUND` or `PARTICIPANT_NOT_FOUND`",
    409: "`CONFLICT`, or `SESSION_EXISTS` on creation",
    412: "`PRECONDITION_FAILED`: `If-Match` names another version",
    413: "`PAYLOAD_TOO_LARGE`: the body is over 1 MiB",
    415: "`UNSUPPORTED_MEDIA_TYPE`: the body is not JSON",
    422: "`IDEMPOTENCY_KEY_REUSED`: the key came before, with another request",
    429: "`RATE_LIMIT_EXCEEDED`: try again after `Retry-After` seconds",
    503: "`STORE_UNAVAILABLE`: try again after `Retry-After` seconds",
}

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Still the version that `If-None-Match` names"}
}

_IS_SHOWN = os.environ.get("OPENAPI", "on") == "on"
"""Whether anybody can ask for the document here: most functions would only start later for it."""

_GUARDED = (401, 403, 429, 503)
READ_ERRORS = (400, 404, *_GUARDED)
STREAM_ERRORS = (400, 404, *_GUARDED)
CHANGE_ERRORS = (400, 404, 409, 412, 413, 415, 422, *_GUARDED)
DELETE_ERRORS = (400, 404, 409, 412, 413, 415, 422, *_GUARDED)
BATCH_ERRORS = (400, 413, 415, 422, *_GUARDED)
CREATE_ERRORS = (400, 409, 413, 415, 422, *_GUARDED)
TOKEN_ERRORS = (400, 404, 413, 415, 422, *_GUARDED)

_TAG = {"description": "The session's version, in quotes", "schema": {"type": "string"}}
_REPLAYED = {"description": "`true` on the answer of an earlier try", "schema": {"type": "string"}}
_LOCATION = {"description": "Where the session is", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Seconds", "schema": {"type": "integer"}}
_CHALLENGE = {"description": "`Bearer`, and what is wrong", "schema": {"type": "string"}}
_LIMITED = {
    "RateLimit-Limit": "How many there may be in a window",
    "RateLimit-Remaining": "How many are left",
    "RateLimit-Reset": "Seconds until there are more",
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Roles: service, host, participant, spectator. See docs/security.md.",
}
_REQUEST_ID = {"description": "The request's id, yours or ours", "schema": {"type": "string"}}


def answers(
    status: int, document: str | None, description: str, failures: tuple[int, ...] = ()
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its one success, a `document` of that name, and its errors."""
    if not _IS_SHOWN:
        return {}
    success: dict[str, Any] = {"description": description, "headers": {}}
    if status < 300:
        success["headers"]["ETag"] = _TAG
    if document is not None:
        success["model"] = _document(document)
    if status == 201:
        success["headers"]["Location"] = _LOCATION
    if 422 in failures:
        success["headers"]["Idempotent-Replayed"] = _REPLAYED
    return {status: success, **errors(*failures)}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The part of a route's `responses` that tells of its errors."""
    documented: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        documented[status] = {"model": _document("ErrorEnvelope"), "description": _ERRORS[status]}
        if status in (429, 503):
            documented[status]["headers"] = {"Retry-After": _RETRY_AFTER}
        if status == 401:
            documented[status]["headers"] = {"WWW-Authenticate": _CHALLENGE}
    return documented


def _document(name: str) -> Any:
    """By name, for the documents are made when they are imported, and few functions need any."""
    from shared.http import documents

    return getattr(documents, name)


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of `app`, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        app.openapi_schema = _as_we_answer(schema)
    return app.openapi_schema


def serve(app: FastAPI, path: str) -> None:
    """Serve the document of `app` at `path`; it is made when somebody first asks for it."""
    from shared.http.packed import Once

    document = Once(lambda: msgspec.json.encode(describe(app)))

    async def answer(request: Request) -> Response:
        return await document.response(request, {"Content-Type": "application/json"})

    app.add_route(path, answer, include_in_schema=False)


def _as_we_answer(schema: dict[str, Any]) -> dict[str, Any]:
    """Drop FastAPI's own 422, which we answer as 400, and name the header on every answer."""
    for path in schema["paths"].values():
        for operation in path.values():
            validation = operation["responses"].get("422", {})
            if "HTTPValidationError" in str(validation):
                del operation["responses"]["422"]
            for response in operation["responses"].values():
                response.setdefault("headers", {})["X-Request-Id"] = _REQUEST_ID
                if "security" in operation:
                    response["headers"] |= _quota_headers()
    _link(schema["paths"])
    _write_whole_numbers(schema)
    schema.setdefault("components", {})["securitySchemes"] = {"bearer": _BEARER}
    for unused in ("HTTPValidationError", "ValidationError"):
        schema.get("components", {}).get("schemas", {}).pop(unused, None)
    return schema


def _link(paths: dict[str, Any]) -> None:
    """Imported where it is shown, like the documents."""
    from shared.http.links import link

    link(paths)


def _quota_headers() -> dict[str, Any]:
    """Those of a request that was counted."""
    return {
        name: {"description": description, "schema": {"type": "integer"}}
        for name, description in _LIMITED.items()
    }


def _write_whole_numbers(part: Any) -> None:
    """FastAPI makes the bounds of integers floats: a maximum of 86400000.0 ms."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(value, float) and value.is_integer():
            part[key] = int(value)
        elif isinstance(value, dict | list):
            _write_whole_numbers(value)
