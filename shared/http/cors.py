"""CORS: lets pages of other origins call the API from a browser (Fetch standard)."""

from collections.abc import Sequence
from functools import partial

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

_MAX_AGE_S = 600
_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "X-Request-Id",
)
_RESPONSE_HEADERS = (
    "ETag",
    "Location",
    "Dry-Run",
    "Idempotent-Replayed",
    "Preference-Applied",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)


async def _no_app(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError("the pipeline calls the methods of this middleware itself")


class Cors(CORSMiddleware):
    """Starlette's rules as a step of the pipeline, for pages of `origins`."""

    def __init__(self, origins: Sequence[str]) -> None:
        super().__init__(
            _no_app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
            max_age=_MAX_AGE_S,
        )

    def is_preflight(self, request: Request) -> bool:
        """Return whether `request` is a CORS preflight."""
        if request.method != "OPTIONS":
            return False
        headers = request.headers
        return "origin" in headers and "access-control-request-method" in headers

    def wrap_send(self, request: Request, send: Send) -> Send:
        """Return `send`, extended to add the CORS header fields of the response to `request`."""
        headers = Headers(scope=request.scope)  # which Starlette looks up by names like "Origin"
        return partial(self.send, send=send, request_headers=headers)
