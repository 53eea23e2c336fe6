"""Lets pages of other origins call from a browser (Fetch standard, CORS protocol)."""

from collections.abc import Sequence
from functools import partial

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
    "X-Request-Id",
)
_RESPONSE_HEADERS = (
    "ETag",
    "Location",
    "Idempotent-Replayed",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)


async def _nothing_behind(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError("the pipeline calls the parts of it by itself")


class Cors(CORSMiddleware):
    """Starlette's rules as a step of the pipeline, for pages of `origins`."""

    def __init__(self, origins: Sequence[str]) -> None:
        super().__init__(
            _nothing_behind,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
            max_age=_MAX_AGE_S,
        )

    def is_preflight(self, request: Request) -> bool:
        """Whether a browser asks in advance what a page of another origin may send."""
        if request.method != "OPTIONS":
            return False
        headers = request.headers
        return "origin" in headers and "access-control-request-method" in headers

    def telling(self, request: Request, send: Send) -> Send:
        """`send` for the answer to `request`: it tells the browser who may read it."""
        return partial(self.send, send=send, request_headers=request.headers)
