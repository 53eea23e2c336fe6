"""Convert function results to HTTP responses (API Gateway HTTP API, payload format 2.0)."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response


class MalformedResponse(Exception):
    """A function returned a result that API Gateway can't convert to a response."""


def response_to(result: Any) -> Response:
    """Return the HTTP response for a function's result. Raises `MalformedResponse`."""
    if not isinstance(result, Mapping) or "statusCode" not in result:
        # API Gateway infers a 200 response with the result as its JSON body.
        body = result if isinstance(result, str) else json.dumps(result)
        return Response(body, media_type="application/json")
    try:
        response = Response(_body(result), int(result["statusCode"]))
        for name, value in (result.get("headers") or {}).items():
            # `Response` has set the length of the decoded body.
            if name.lower() != "content-length":
                response.headers[name] = _header_value(value)
        for cookie in result.get("cookies") or []:
            response.headers.append("set-cookie", str(cookie))
    except (AttributeError, TypeError, ValueError) as error:
        raise MalformedResponse from error
    response.headers.setdefault("content-type", "text/plain; charset=utf-8")
    return response


def error_response(status: int, message: str) -> Response:
    """Return an error response of the gateway itself."""
    return JSONResponse({"message": message}, status_code=status)


def _body(result: Mapping[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError
    return base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()


def _header_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
