"""A store whose clock can be moved, so that no test waits for a deadline."""

import base64
import json
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class MovedClock:
    """Goes around an Upstash endpoint; in what it answers to TIME, it is `ahead_ms` later."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        """The endpoint `app` with this clock."""

        async def moved(scope: Scope, receive: Receive, send: Send) -> None:
            asked, told = bytearray(), bytearray()
            start: MutableMapping[str, Any] = {}

            async def receive_and_keep() -> Message:
                message = await receive()
                asked.extend(message.get("body", b""))
                return message

            async def send_at_the_end(message: Message) -> None:
                if message["type"] == "http.response.start":
                    start.update(message)
                    return
                told.extend(message.get("body", b""))
                if not message.get("more_body"):
                    body = self._moved(bytes(asked), bytes(told))
                    start["headers"] = _counted(start["headers"], len(body))
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

            await app(scope, receive_and_keep, send_at_the_end)

        return moved

    def _moved(self, asked: bytes, told: bytes) -> bytes:
        commands, replies = json.loads(asked), json.loads(told)
        if not self.ahead_ms or not isinstance(replies, list):
            return told
        for command, reply in zip(commands, replies, strict=True):
            if [part.upper() for part in command] == ["TIME"]:
                reply["result"] = self._later(reply["result"])
        return json.dumps(replies).encode()

    def _later(self, reply: list[str]) -> list[str]:
        seconds, micros = (int(base64.b64decode(part)) for part in reply)
        later = seconds * 1_000_000 + micros + self.ahead_ms * 1000
        parts = divmod(later, 1_000_000)
        return [base64.b64encode(str(part).encode()).decode() for part in parts]


def _counted(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [header for header in headers if header[0] != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
