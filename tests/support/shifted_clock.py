"""Upstash wrapper that moves the store's clock ahead, so that tests needn't wait for deadlines."""

import json
from base64 import b64decode, b64encode
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class ShiftedClock:
    """Wraps the endpoint and adds `ahead_s` seconds to each answer to `TIME` in a pipeline."""

    def __init__(self) -> None:
        self.ahead_s = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with its clock shifted."""

        async def shifted(scope: Scope, receive: Receive, send: Send) -> None:
            if not scope["path"].endswith("/pipeline"):
                await app(scope, receive, send)
                return
            request = Request(scope, receive)
            commands = json.loads(await request.body())
            started, body = await _call(app, scope, await request.body())
            replies = self._shift(commands, json.loads(body))
            headers = {k.decode(): v.decode() for k, v in started["headers"]}
            del headers["content-length"]
            await Response(json.dumps(replies), started["status"], headers)(scope, receive, send)

        return shifted

    def _shift(self, commands: list[Any], replies: Any) -> Any:
        for command, reply in zip(commands, replies, strict=False):
            if command[0].upper() == "TIME" and "result" in reply:
                seconds = int(b64decode(reply["result"][0])) + self.ahead_s
                reply["result"][0] = b64encode(str(seconds).encode()).decode()
        return replies


async def _call(app: ASGIApp, scope: Scope, body: bytes) -> tuple[Any, bytes]:
    """Call `app` with `body`; return the start message and the body of its answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])
