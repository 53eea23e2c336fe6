"""gzip for those who ask for it."""

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_FROM_BYTES = 1024
_LEVEL = 5
"""On bodies of a few KiB the levels above save no more than some bytes."""


class Compression(GZipMiddleware):
    """Starlette's, which costs those who don't ask for it nothing here."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, minimum_size=_FROM_BYTES, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asks = scope["type"] == "http" and "gzip" in Headers(scope=scope).get("accept-encoding", "")
        await (super().__call__ if asks else self.app)(scope, receive, send)
