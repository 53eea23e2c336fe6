"""Upstash wrapper that sets the store's clock, so that tests needn't wait for deadlines."""

import json
from base64 import b64decode, b64encode
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class ShiftedClock:
    """Wraps the endpoint and changes each answer to `TIME` in a pipeline.

    It adds `ahead_s` seconds. With `stopped_at`, in ms since the Unix epoch, it answers that time.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Let the clock run without an offset."""
        self.ahead_s = 0
        self.stopped_at: int | None = None

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
                reply["result"] = [_encoded(part) for part in self._time(*reply["result"])]
        return replies

    def _time(self, seconds: str, microseconds: str) -> tuple[int, int]:
        if self.stopped_at is not None:
            return self.stopped_at // 1000, self.stopped_at % 1000 * 1000
        return int(b64decode(seconds)) + self.ahead_s, int(b64decode(microseconds))


def _encoded(number: int) -> str:
    return b64encode(str(number).encode()).decode()


async def _call(app: ASGIApp, scope: Scope, body: bytes) -> tuple[Any, bytes]:
    """Call `app` with `body`; return the start message and the body of its answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])
