"""gzip for clients that ask for it."""

import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp

MIN_COMPRESSED_BYTES = 1024
"""Smallest body that is compressed, bytes."""
GZIP_LEVEL = 5
"""Higher levels save only a few bytes on bodies of a few KiB."""
_GZIP = re.compile(r"gzip(?:\s*;\s*q=(?!0(?:\.0*)?$).*)?", re.IGNORECASE)


def compressed(response: ASGIApp, request: Request) -> ASGIApp:
    """Return `response`, compressed by Starlette if the client accepts gzip."""
    if not wants_gzip(request.headers.get("accept-encoding")):
        return response
    return GZipMiddleware(response, minimum_size=MIN_COMPRESSED_BYTES, compresslevel=GZIP_LEVEL)


def wants_gzip(accepted: str | None) -> bool:
    """Return whether `Accept-Encoding` includes gzip (RFC 9110 section 12.5.3); q=0 refuses it."""
    return accepted is not None and any(
        _GZIP.fullmatch(coding.strip()) for coding in accepted.split(",")
    )
