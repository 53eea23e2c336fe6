"""Every error as its one answer: the envelope of API §2."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from shared.domain.errors import (
    InvalidTransition,
    NotTheActiveOne,
    Refusal,
    RuleViolation,
    UnknownParticipant,
)
from shared.errors import ServiceError
from shared.http.validation import MAX_DETAILS, describe

_HTTP_ERRORS = {
    400: ("VALIDATION_ERROR", "Request validation failed"),
    404: ("NOT_FOUND", "There is nothing at this address"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed"),
}


def error_answer(
    request_id: str,
    status: int,
    code: str,
    message: str,
    details: Any = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The envelope around one error, with `more` fields beside its code."""
    error = {"code": code, "message": message, "request_id": request_id, **more}
    if details is not None:
        error["details"] = details
    body = msgspec.json.encode({"error": error})
    return Response(body, status, dict(headers or {}), media_type="application/json")


def install(app: FastAPI) -> None:
    """Let every error that leaves an endpoint of `app` be answered in the envelope."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ServiceError, _ours)
    app.add_exception_handler(Refusal, _ours)


def request_id_of(request: Request) -> str:
    """The id under which this request is logged and audited."""
    return str(request.scope["state"]["request_id"])


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    code, message = _HTTP_ERRORS[400]
    return error_answer(request_id_of(request), 400, code, message, describe(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    """The answer to an error of the framework; to `OPTIONS`, which methods the address takes."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": _allowed(request)})
    code, message = _HTTP_ERRORS.get(error.status_code, ("ERROR", str(error.detail)))
    headers = error.headers
    if error.status_code == 405:
        headers = {"Allow": _allowed(request)}
        message = f"{message}: use {headers['Allow']}"
    return error_answer(request_id_of(request), error.status_code, code, message, headers=headers)


def _allowed(request: Request) -> str:
    """Every method that some route takes at this address, for `Allow` (RFC 9110 §10.2.1)."""
    methods = {"OPTIONS"}
    for route in request.app.router.routes:
        if isinstance(route, APIRoute) and route.path_regex.match(request.scope["path"]):
            methods |= route.methods or set()
        elif isinstance(route, Mount) and route.path_regex.match(request.scope["path"]):
            methods.add("GET")
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


async def _ours(request: Request, error: Exception) -> Response:
    return answer_to(error, request_id_of(request))


def answer_to(error: Exception, request_id: str) -> Response:
    """The answer to an error of the service or a refusal of the domain."""
    if isinstance(error, ServiceError):
        return error_answer(
            request_id,
            error.status,
            error.code,
            error.message,
            error.details,
            error.headers,
            **error.beside,
        )
    status, code, details = _refusal(error)
    return error_answer(request_id, status, code, str(error), details)


def _refusal(error: Exception) -> tuple[int, str, Any]:
    match error:
        case RuleViolation():
            violations = error.violations[:MAX_DETAILS]
            details = [{"field": v.field, "message": v.message, "code": v.code} for v in violations]
            return 400, "VALIDATION_ERROR", details
        case InvalidTransition():
            return 400, "INVALID_STATE_TRANSITION", None
        case UnknownParticipant():
            return 404, "PARTICIPANT_NOT_FOUND", None
        case NotTheActiveOne():
            return 409, "CONFLICT", {"active_participant_id": error.active_participant_id}
        case _:
            raise error
