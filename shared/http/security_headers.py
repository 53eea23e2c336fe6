"""What browsers are told about answers, so that nothing of ours is used against its user."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOSNIFF = (b"x-content-type-options", b"nosniff")


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


class NoSniffing:
    """Tells browsers to take every answer for what it says it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _NOSNIFF]
            await send(message)

        await self._app(scope, receive, send_with_header)
