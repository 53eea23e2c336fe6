"""Builds the OpenAPI document, including all errors, from the declared routes with FastAPI."""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Header, Path, Query
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, PlainTextResponse, Response

from shared import VERSION
from shared.application.api_key_format import KEY_ID
from shared.auth.claims import TOKEN_ID
from shared.http.fields import Id, Uuid
from shared.http.openapi import models
from shared.http.openapi.error_examples import ON_ALL_PATHS, add_error_examples
from shared.http.openapi.example import SESSION_ID
from shared.http.openapi.examples import add_examples
from shared.http.openapi.field_descriptions import describe_fields
from shared.http.openapi.field_examples import add_field_examples
from shared.http.openapi.links import add_links
from shared.http.routing import (
    DRY_RUN,
    PREFER_PARTICIPANT,
    PREFER_SESSION,
    RequestParameter,
    ResponseSpec,
    Route,
)

_DESCRIPTION = """\
Keeps timers in sync across clients. The server runs no timers: a session stores when a clock
started and how much time was left, and clients compute
`remaining = total_time_ms - (server_now - cycle_started_at)`.
`GET /v1/time` returns server_now.

All times are whole milliseconds. Each request has examples that work as they are: "Try it out"
with the default of `POST /v1/sessions`, then put the `session_id` of the answer into the others.

The messages that are pushed are described in [/asyncapi.json](/asyncapi.json).

Errors that any path may return: """ + ", ".join(
    f"{status} `{code}`" for status, code, _ in ON_ALL_PATHS
)

_JSON = "application/json"
_ERRORS = {
    400: "`VALIDATION_ERROR` (`details` name each field) or `INVALID_STATE_TRANSITION`",
    401: "`UNAUTHENTICATED`: the token is missing or invalid",
    403: "`FORBIDDEN`: the caller may not do this",
    404: "`SESSION_NOT_FOUND` or `PARTICIPANT_NOT_FOUND`",
    409: "`CONFLICT`, or `SESSION_EXISTS` on creation",
    412: "`PRECONDITION_FAILED`: `If-Match` doesn't name the current version",
    413: "`PAYLOAD_TOO_LARGE`: the body is over 1 MiB",
    415: "`UNSUPPORTED_MEDIA_TYPE`: the body is not JSON",
    422: "`IDEMPOTENCY_KEY_REUSED`: the key was used for a different request",
    429: "`RATE_LIMIT_EXCEEDED`: try again after `Retry-After` seconds",
    503: "`STORE_UNAVAILABLE`: try again after `Retry-After` seconds",
}


def _field(description: str, example: str | int) -> dict[str, Any]:
    kind = "string" if isinstance(example, str) else "integer"
    return {"description": description, "schema": {"type": kind}, "example": example}


_TAG = _field("The session's version, in quotes", '"7"')
_REPLAYED = _field("`true` if this is the response to an earlier request with the same key", "true")
_DRY_RUN = _field("`true` if nothing was changed; `ETag` and `Location` are left out then", "true")
_APPLIED = {
    PREFER_SESSION: _field(
        "`return=representation` if the answer is the Session because of `Prefer`",
        "return=representation",
    ),
    PREFER_PARTICIPANT: _field(
        "`return=minimal` if the answer is the participant only because of `Prefer`",
        "return=minimal",
    ),
}
_LOCATION = _field("The path of the session", f"/v1/sessions/{SESSION_ID}")
_RETRY_AFTER = _field("Seconds to wait", 12)
_CHALLENGE = _field("`Bearer`, and the error if any", "Bearer")
_REQUEST_ID = _field(
    "The request's id, as sent by the client or generated", "b3c1f0a4-7d52-4a5e-9d0e-2f6a8c1b5e77"
)
_QUOTA = {
    "RateLimit-Limit": _field("Requests allowed per window", 100),
    "RateLimit-Remaining": _field("Requests left in this window", 99),
    "RateLimit-Reset": _field("Seconds until more requests are allowed", 60),
}
_IDS: dict[str, Any] = {
    "session_id": Annotated[Uuid, Path(description="The session's UUID")],
    "participant_id": Annotated[Id, Path(description="The participant's id, percent-encoded")],
    "token_id": Annotated[
        str,
        Path(
            description="`token_id` of the answer that had the token, or its claim `jti`",
            pattern=f"^{TOKEN_ID.pattern}$",
        ),
    ],
    "key_id": Annotated[str, Path(description="The API key's id", pattern=f"^{KEY_ID.pattern}$")],
    "webhook_id": Annotated[Uuid, Path(description="The webhook's UUID")],
}
_RESPONSE_CLASSES: dict[str, type[Response]] = {
    _JSON: JSONResponse,
    "text/plain": PlainTextResponse,
    "text/event-stream": EventSourceResponse,
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token, or an API key. Roles: service, host, cohost, participant, spectator."
    " See docs/security.md.",
}


def openapi_document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of `routes`."""
    documented = [_documented(route) for route in routes if route.is_documented]
    schema = get_openapi(
        title="SyncKairos", version=VERSION, description=_DESCRIPTION, routes=documented
    )
    return _corrected(schema)


def _documented(route: Route) -> APIRoute:
    """Return the route as a FastAPI route, which is used only for the document."""
    success = route.answers[0]
    response_class = _RESPONSE_CLASSES[success.media_type]
    return APIRoute(
        route.path,
        _placeholder(route, is_stream=response_class is EventSourceResponse),
        methods=[route.method],
        status_code=success.status,
        tags=[route.tag] if route.tag else None,
        responses=_responses(route),
        response_model=None,
        response_class=response_class,
        openapi_extra={"security": [{"bearer": []}]} if route.requires else None,
    )


def _placeholder(route: Route, *, is_stream: bool) -> Callable[..., Any]:
    """Return a function with the name, docstring and parameters of the route's endpoint."""

    async def endpoint() -> None:
        """Placeholder of an endpoint that returns one response."""

    async def stream() -> AsyncIterator[ServerSentEvent]:
        """Placeholder of an endpoint that returns a stream of events."""
        yield ServerSentEvent()

    placeholder: Any = stream if is_stream else endpoint
    placeholder.__name__ = route.endpoint.__name__
    placeholder.__doc__ = route.endpoint.__doc__
    placeholder.__signature__ = Signature(_parameters(route))
    return placeholder  # type: ignore[no-any-return] # one of the two


def _parameters(route: Route) -> list[Parameter]:
    """Return the input of the route as parameters of a FastAPI endpoint."""
    parameters = [_parameter(name, _IDS[name]) for name in re.findall(r"{(\w+)}", route.path)]
    if route.takes and not route.reads_body:
        parameters.append(_parameter("query", Annotated[route.takes, Query()]))
    elif route.takes and route.may_be_absent:
        parameters.append(_parameter("body", route.takes | None, None))
    elif route.takes:
        parameters.append(_parameter("body", route.takes))
    for parameter in route.parameters:
        name = parameter.name.replace("-", "_").lower()
        if parameter.is_query:
            flag = Annotated[bool, Query(description=parameter.description)]
            parameters.append(_parameter(name, flag, default=False))
        else:
            parameters.append(_parameter(name, Annotated[str | None, _header(parameter)], None))
    return parameters


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _header(header: RequestParameter) -> Any:
    return Header(
        alias=header.name,
        description=header.description,
        min_length=header.min_length,
        max_length=header.max_length,
        pattern=header.pattern,
    )


def _responses(route: Route) -> dict[int | str, dict[str, Any]]:
    documented: dict[int | str, dict[str, Any]] = {}
    for answers in route.answers:
        documented[answers.status] = _success(route, answers)
        documented |= _errors(answers.errors)
    return documented


def _success(route: Route, answers: ResponseSpec) -> dict[str, Any]:
    success: dict[str, Any] = {"description": answers.description, "headers": {}}
    if answers.status < 300 and answers.media_type == _JSON:
        success["headers"]["ETag"] = _TAG
    if answers.document is not None:
        success["model"] = getattr(models, answers.document)
    if answers.status == 201:
        success["headers"]["Location"] = _LOCATION
    if DRY_RUN in route.parameters and answers is route.answers[0]:
        success["headers"]["Dry-Run"] = _DRY_RUN
    for prefer, applied in _APPLIED.items():
        if prefer in route.parameters:
            success["headers"]["Preference-Applied"] = applied
    if 422 in answers.errors:
        success["headers"]["Idempotent-Replayed"] = _REPLAYED
    return success


def _errors(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    documented: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        documented[status] = {"model": models.ErrorEnvelope, "description": _ERRORS[status]}
        if status in (429, 503):
            documented[status]["headers"] = {"Retry-After": _RETRY_AFTER}
        if status == 401:
            documented[status]["headers"] = {"WWW-Authenticate": _CHALLENGE}
    return documented


def _corrected(schema: dict[str, Any]) -> dict[str, Any]:
    """Replace FastAPI's assumptions in `schema` with the actual responses.

    FastAPI's 422 is removed (validation errors are 400), every error is JSON, even of a stream,
    every response gets its header fields, and no header field or query parameter is null.
    """
    for path in schema["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
            validation = operation["responses"].get("422", {})
            if "HTTPValidationError" in str(validation):
                del operation["responses"]["422"]
            for status, response in operation["responses"].items():
                if status >= "400":
                    response["content"] = {_JSON: next(iter(response["content"].values()))}
                response.setdefault("headers", {})["X-Request-Id"] = _REQUEST_ID
                if "security" in operation:
                    response["headers"] |= _QUOTA
    add_links(schema["paths"])
    add_examples(schema["paths"])
    _use_integers(schema)
    schema.setdefault("components", {})["securitySchemes"] = {"bearer": _BEARER}
    for unused in ("HTTPValidationError", "ValidationError"):
        schema.get("components", {}).get("schemas", {}).pop(unused, None)
    describe_fields(schema["components"].get("schemas", {}))
    add_field_examples(schema)
    add_error_examples(schema)
    return schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter, which is left out where a field of a body may be null."""
    options: list[dict[str, Any]] = [
        option for option in schema.get("anyOf", ()) if option != {"type": "null"}
    ]
    described = {name: value for name, value in schema.items() if name != "anyOf"}
    if len(options) == 1:
        return options[0] | described
    return {"anyOf": options, **described} if options else described


def _use_integers(part: Any) -> None:
    """Convert FastAPI's float bounds of integers, such as 86400000.0, back to integers."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(value, float) and value.is_integer():
            part[key] = int(value)
        elif isinstance(value, dict | list):
            _use_integers(value)
