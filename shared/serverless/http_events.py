"""Converts HTTP events of AWS; malformed ones get a 400 instead of failing the invocation."""

import base64
import re
from typing import Any

from mangum import Mangum
from mangum.protocols import HTTPCycle

from shared.http.error_responses import error_response
from shared.http.request import new_request_id

_EVENT_ERRORS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""Errors that Mangum raises if a field of an event is missing or has the wrong type."""
_VARIABLE = re.compile(r"{(\w+)\+?}")


class SafeMangum(Mangum):
    """Mangum that answers 400 to malformed events."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Return the response to an event of an HTTP API."""
        try:
            handler = self.infer(event, context)
            scope, body = _checked_scope(_with_decoded_path(handler.scope, event)), _body(event)
        except _EVENT_ERRORS:
            return _malformed_event_response()
        return handler(HTTPCycle(scope, body)(self.app))


def _with_decoded_path(scope: Any, event: Any) -> Any:
    """Return `scope` with the path of the event's route and its parameters, if it has any.

    An HTTP API has decoded the path already, and Mangum decodes it once more: it would take the id
    `50%25`, sent as `50%2525`, for `50%`. The parameters are decoded once.
    """
    parameters = event.get("pathParameters")
    if parameters and event.get("version") == "2.0":
        template = event["routeKey"].partition(" ")[2]
        scope["path"] = _VARIABLE.sub(lambda variable: parameters[variable[1]], template)
    return scope


def _checked_scope(scope: Any) -> Any:
    """Return `scope`, without the client's address if that is not a string.

    Raises `TypeError` if the method or the path is not a string.
    """
    if not (isinstance(scope["method"], str) and isinstance(scope["path"], str)):
        raise TypeError
    if not isinstance(scope["client"][0], str):
        scope["client"] = None
    return scope


def _body(event: Any) -> bytes:
    """Return the body. Raises an error of `_EVENT_ERRORS` if it is no string or invalid base64."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    return bytes(body.encode())


def _malformed_event_response() -> dict[str, Any]:
    request_id = new_request_id()
    message = "The request is incomplete or malformed"
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request_id,
    }
    answer = error_response(request_id, 400, "VALIDATION_ERROR", message, headers=headers)
    return {
        "statusCode": answer.status_code,
        "headers": dict(answer.headers),
        "body": bytes(answer.body).decode(),
        "isBase64Encoded": False,
    }
