"""`HEAD` wherever there is `GET`: the same answer without its body (RFC 9110 §9.3.2)."""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ASKED = "method_asked"


class HeadAsGet:
    """Serves a `HEAD` request as the `GET` at the same address, and leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        state = {**scope.get("state", {}), _ASKED: "HEAD"}
        await self._app({**scope, "method": "GET", "state": state}, receive, send_without_body)


def method_asked(scope: Scope) -> str:
    """The method that the client used, for logs and metrics."""
    return str(scope["state"].get(_ASKED, scope["method"]))


def asks_for_head(connection: HTTPConnection) -> bool:
    """Whether the client wants no body, so that an endless one need not begin."""
    return method_asked(connection.scope) == "HEAD"
