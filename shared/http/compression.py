"""gzip for clients that ask for it."""

import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp

SMALLEST = 1024
"""Bytes from which an answer is compressed."""
LEVEL = 5
"""On bodies of a few KiB the levels above save no more than some bytes."""
_GZIP = re.compile(r"gzip(?:\s*;\s*q=(?!0(?:\.0*)?$).*)?", re.IGNORECASE)


def compressed(response: ASGIApp, request: Request) -> ASGIApp:
    """`response` as the client takes it: compressed by Starlette, or as it is."""
    if not wants_gzip(request.headers.get("accept-encoding")):
        return response
    return GZipMiddleware(response, minimum_size=SMALLEST, compresslevel=LEVEL)


def wants_gzip(accepted: str | None) -> bool:
    """Whether a client takes gzip (RFC 9110 section 12.5.3); a quality of 0 refuses."""
    return accepted is not None and any(
        _GZIP.fullmatch(coding.strip()) for coding in accepted.split(",")
    )
