"""What a gateway hands to a function, taken apart; what is malformed is refused, never a crash."""

import base64
from typing import Any
from uuid import uuid4

from mangum import Mangum
from mangum.protocols import HTTPCycle

from shared.http.errors import error_answer

_FAULTS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""What Mangum raises where a field of an event is missing, or of another kind."""


class Adapter(Mangum):
    """Mangum, with a 400 for an event that it can't read."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """The answer to one event of an HTTP API, a REST API or a function URL."""
        try:
            handler = self.infer(event, context)
            scope, body = _checked(handler.scope), _body(event)
        except _FAULTS:
            return _refusal()
        return handler(HTTPCycle(scope, body)(self.app))


def _checked(scope: Any) -> Any:
    """The scope. Raises `TypeError` where the method or the path is no text.

    An address of the client that is none is left out, for it stands for whoever asks.
    """
    if not (isinstance(scope["method"], str) and isinstance(scope["path"], str)):
        raise TypeError
    if not isinstance(scope["client"][0], str):
        scope["client"] = None
    return scope


def _body(event: Any) -> bytes:
    """The body. Raises `TypeError` or `ValueError` for one that is no text, or no base64."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    return bytes(body.encode())


def _refusal() -> dict[str, Any]:
    """The answer to an event that can't be read (API §2, Errors)."""
    request_id = str(uuid4())
    message = "The request can't be read: a part of it is missing or malformed"
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request_id,
    }
    answer = error_answer(request_id, 400, "VALIDATION_ERROR", message, headers=headers)
    return {
        "statusCode": answer.status_code,
        "headers": dict(answer.headers),
        "body": bytes(answer.body).decode(),
        "isBase64Encoded": False,
    }
