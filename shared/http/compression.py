"""gzip for those who ask for it."""

import re

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

SMALLEST = 1024
"""Bytes from which an answer is compressed."""
_GZIP = re.compile(r"gzip(?:\s*;\s*q=(?!0(?:\.0*)?$).*)?", re.IGNORECASE)
LEVEL = 5
"""On bodies of a few KiB the levels above save no more than some bytes."""


class Compression(GZipMiddleware):
    """Starlette's, which costs those who don't ask for it nothing here."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, minimum_size=SMALLEST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asks = scope["type"] == "http" and wants_gzip(Headers(scope=scope).get("accept-encoding"))
        await (super().__call__ if asks else self.app)(scope, receive, send)


def wants_gzip(accepted: str | None) -> bool:
    """Whether a client takes gzip (RFC 9110 section 12.5.3); a quality of 0 refuses."""
    return accepted is not None and any(
        _GZIP.fullmatch(coding.strip()) for coding in accepted.split(",")
    )
