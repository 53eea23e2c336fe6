"""What API Gateway makes of a function's answer (HTTP API, payload format 2.0)."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response


class NotAnAnswer(Exception):
    """A function has returned what API Gateway cannot turn into a response."""


def response_to(answer: Any) -> Response:
    """The HTTP response. Raises `NotAnAnswer`."""
    if not isinstance(answer, Mapping) or "statusCode" not in answer:
        # Anything else is taken for the body of a success.
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(body, media_type="application/json")
    try:
        response = Response(_body(answer), int(answer["statusCode"]))
        for name, value in (answer.get("headers") or {}).items():
            # The gateway sends the body anew, and counts it itself.
            if name.lower() != "content-length":
                response.headers[name] = _text(value)
        for cookie in answer.get("cookies") or []:
            response.headers.append("set-cookie", str(cookie))
    except (AttributeError, TypeError, ValueError) as error:
        raise NotAnAnswer from error
    response.headers.setdefault("content-type", "text/plain; charset=utf-8")
    return response


def refusal(status: int, message: str) -> Response:
    """An answer of the gateway itself."""
    return JSONResponse({"message": message}, status_code=status)


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError
    return base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
