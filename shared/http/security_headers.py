"""What browsers are told about answers, so that nothing of ours is used against its user."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
_ABOUT_CACHES = frozenset({b"cache-control", b"etag"})

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def page_headers(connects_to: Sequence[str] = ()) -> dict[str, str]:
    """Headers of a page that is made of files of this service (CSP Level 3).

    It asks nobody but this service, and the origins that it `connects_to`.
    """
    policy = _POLICY | {"connect-src": " ".join(["'self'", *connects_to])}
    return {
        "Content-Security-Policy": "; ".join(map(" ".join, policy.items())),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
    }


class DefaultHeaders:
    """Adds to every answer the headers that it doesn't set itself.

    Browsers take an answer for what its type says (`nosniff`). No cache keeps an answer that
    doesn't say how long it holds (`no-store`, RFC 9111 §5.2.2.5), unless it is a file, which has
    a tag to be asked for by.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name.lower() for name, _ in message["headers"]}
                added = (_NOSNIFF,) if said & _ABOUT_CACHES else (_NOSNIFF, _NO_STORE)
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)
