"""The OpenAPI document: made by FastAPI of the declared routes, complete with every error."""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any

import msgspec
from fastapi import Header, Path, Query
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, PlainTextResponse, Response

from shared import VERSION
from shared.http import documents
from shared.http.call import Call
from shared.http.fields import Uuid
from shared.http.links import link
from shared.http.packed import Once
from shared.http.routing import Answers, RequestHeader, Route

_DESCRIPTION = """\
Keeps many clients on one clock. A session stores anchors, and everyone computes what is left:
`remaining = total_time_ms - (server_now - cycle_started_at)`. `GET /v1/time` tells server_now.
"""

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

_TAG = {"description": "The session's version, in quotes", "schema": {"type": "string"}}
_REPLAYED = {"description": "`true` on the answer of an earlier try", "schema": {"type": "string"}}
_LOCATION = {"description": "Where the session is", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Seconds", "schema": {"type": "integer"}}
_CHALLENGE = {"description": "`Bearer`, and what is wrong", "schema": {"type": "string"}}
_IDS = {"session_id": "The session's UUID", "participant_id": "The participant's UUID"}
_RESPONSE_CLASSES: dict[str, type[Response]] = {
    "application/json": JSONResponse,
    "text/plain": PlainTextResponse,
    "text/event-stream": EventSourceResponse,
}
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


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI document of `routes`, by FastAPI."""
    documented = [_documented(route) for route in routes if route.is_documented]
    schema = get_openapi(
        title="SyncKairos", version=VERSION, description=_DESCRIPTION, routes=documented
    )
    return _as_we_answer(schema)


def document_route(path: str, routes: Iterable[Route]) -> Route:
    """The route that serves the document; it is made when a client first asks for it."""
    document = Once(lambda: msgspec.json.encode(describe(routes)))

    async def answer(call: Call) -> Response:
        return await document.response(call, {"Content-Type": "application/json"})

    return Route("GET", path, answer)


def _documented(route: Route) -> APIRoute:
    """The route as FastAPI knows it, for the document alone: it serves nothing."""
    success = route.answers[0]
    response_class = _RESPONSE_CLASSES[success.media_type]
    return APIRoute(
        route.path,
        _stand_in(route, is_stream=response_class is EventSourceResponse),
        methods=[route.method],
        status_code=success.status,
        tags=[route.tag] if route.tag else None,
        responses=_responses(route),
        response_model=None,
        response_class=response_class,
        openapi_extra={"security": [{"bearer": []}]} if route.requires else None,
    )


def _stand_in(route: Route, *, is_stream: bool) -> Callable[..., Any]:
    """A function with the name, the text and the parameters of the route's endpoint."""

    async def endpoint() -> None:
        """Stands for an endpoint with one answer."""

    async def stream() -> AsyncIterator[ServerSentEvent]:
        """Stands for an endpoint with a stream of events."""
        yield ServerSentEvent()

    made: Any = stream if is_stream else endpoint
    made.__name__ = route.endpoint.__name__
    made.__doc__ = route.endpoint.__doc__
    made.__signature__ = Signature(_parameters(route))
    return made  # type: ignore[no-any-return] # one of the two


def _parameters(route: Route) -> list[Parameter]:
    """What the route takes, as the parameters of a function that FastAPI would call."""
    taken = [
        _parameter(name, Annotated[Uuid, Path(description=_IDS[name])])
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.takes and not route.reads_body:
        taken.append(_parameter("query", Annotated[route.takes, Query()]))
    elif route.takes and route.may_be_absent:
        taken.append(_parameter("body", route.takes | None, None))
    elif route.takes:
        taken.append(_parameter("body", route.takes))
    for header in route.headers:
        name = header.name.replace("-", "_").lower()
        taken.append(_parameter(name, Annotated[str | None, _header(header)], None))
    return taken


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _header(header: RequestHeader) -> Any:
    return Header(
        alias=header.name,
        description=header.description,
        max_length=header.max_length,
        pattern=header.pattern,
    )


def _responses(route: Route) -> dict[int | str, dict[str, Any]]:
    documented: dict[int | str, dict[str, Any]] = {}
    for answers in route.answers:
        documented[answers.status] = _success(answers)
        documented |= _errors(answers.errors)
    return documented


def _success(answers: Answers) -> dict[str, Any]:
    success: dict[str, Any] = {"description": answers.description, "headers": {}}
    if answers.status < 300 and answers.media_type == "application/json":
        success["headers"]["ETag"] = _TAG
    if answers.document is not None:
        success["model"] = getattr(documents, answers.document)
    if answers.status == 201:
        success["headers"]["Location"] = _LOCATION
    if 422 in answers.errors:
        success["headers"]["Idempotent-Replayed"] = _REPLAYED
    return success


def _errors(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    documented: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        documented[status] = {"model": documents.ErrorEnvelope, "description": _ERRORS[status]}
        if status in (429, 503):
            documented[status]["headers"] = {"Retry-After": _RETRY_AFTER}
        if status == 401:
            documented[status]["headers"] = {"WWW-Authenticate": _CHALLENGE}
    return documented


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
    link(schema["paths"])
    _write_whole_numbers(schema)
    schema.setdefault("components", {})["securitySchemes"] = {"bearer": _BEARER}
    for unused in ("HTTPValidationError", "ValidationError"):
        schema.get("components", {}).get("schemas", {}).pop(unused, None)
    return schema


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
