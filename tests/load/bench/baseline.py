"""Baselines: servers that only make the service's Redis calls, with the same sizes.

There is no routing, no validation and no session logic. A read counts the request, sends `HMGET`
and `TIME`, and answers with fixed bytes. A change also runs the service's commit script. The
difference in speed is the cost of the service's own code.

There are two baselines. They differ only in the Redis client: redis-py, or the service's
`NativeConnection`.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec

from functions.container.http_server import build_server
from shared.application.ports.rate_limit import RateLimit
from shared.application.store_clock import StoreClock
from shared.domain.units import DAY, Millis
from shared.settings.settings import Settings
from shared.store.connection import load_script
from shared.store.keys import StoreKeys
from shared.store.rate_counters import RateLimitCounters
from shared.store.redis import NativeConnection
from tests.load.bench.recorded_answers import RecordedAnswer, RecordedAnswers
from tests.load.bench.redis_py import RedisPyConnection

RECORDED_ANSWERS: Final = "RECORDED_ANSWERS"
"""Environment variable: path of the file with the recorded answers."""

BASELINE_CLIENT: Final = "BASELINE_CLIENT"
"""Environment variable: name of the Redis client, a key of `CLIENTS`."""

CLIENTS: Final[dict[str, type[RedisPyConnection] | type[NativeConnection]]] = {
    "redis-py": RedisPyConnection,
    "own connection": NativeConnection,
}

_NEVER_REACHED = 100_000_000
_REQUEST_LIMIT = RateLimit("address:127.0.0.1", _NEVER_REACHED, Millis(60_000))
_GREETING = '{"type":"CONNECTED"}'


class BaselineApp:
    """ASGI application without a framework."""

    def __init__(
        self, connection: RedisPyConnection | NativeConnection, specimens: RecordedAnswers
    ) -> None:
        self._specimens = specimens
        self._keys = StoreKeys()
        self._connection = connection
        self._counters = RateLimitCounters(self._keys, StoreClock())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        elif scope["method"] == "GET":
            await self._read(scope["path"], send)
        else:
            await receive()
            await self._change(scope["path"], send)

    async def _read(self, path: str, send: Any) -> None:
        if path != "/health":
            await self._load(path.rpartition("/")[2], [_REQUEST_LIMIT])
        await _answer(self._specimens.read, send)

    async def _change(self, path: str, send: Any) -> None:
        if path.endswith("/switch"):
            specimen, session_id = self._specimens.switch, path.split("/")[3]
        else:
            specimen, session_id = self._specimens.create, str(uuid4())
        is_switch = specimen is self._specimens.switch
        switch_limit = RateLimit(f"switches:{session_id}", _NEVER_REACHED, Millis(1_000))
        operations = await self._load(session_id, [_REQUEST_LIMIT, switch_limit][: 1 + is_switch])
        revision = operations.split(b" ", 1)[0] if operations else b""
        await self._commit(session_id, revision, specimen)
        await _answer(specimen, send)

    async def _load(self, session_id: str, limits: list[RateLimit]) -> bytes | None:
        reading = ("HMGET", self._keys.session(session_id), "operations", "state")
        counting = self._counters.attempts(limits)
        *_, (operations, _), _ = await self._connection.ask([*counting, reading, ("TIME",)])
        return operations  # type: ignore[no-any-return] # a reply is anything

    async def _commit(self, session_id: str, revision: bytes, specimen: RecordedAnswer) -> None:
        shard = self._keys.shard_of(session_id)
        keys = [
            self._keys.session(session_id),
            self._keys.deadlines(shard),
            self._keys.outbox(shard),
            self._keys.push_channel(session_id),
            self._keys.wake_channel(shard),
            self._keys.outbox_channel(shard),
        ]
        now = int(time.time() * 1000)
        arguments: list[str | int | bytes] = [
            session_id,
            revision,
            os.urandom(8).hex(),
            specimen.state,
            DAY,
            now + DAY,
            now,
            "",
            "1",
            b"",
            "",
            DAY,
            len(specimen.state),
            0,
            0,
            0,
            1,
            0,
            "",
            "",
            "",
            specimen.entry,
            specimen.push,
        ]
        reply = await self._connection.run(load_script("commit"), keys, arguments)
        if reply[0] != b"done":
            raise RuntimeError(f"the commit failed: {reply[0]!r}")

    async def _serve_websocket(self, scope: Any, receive: Any, send: Any) -> None:
        session_id = parse_qs(scope["query_string"].decode())["sessionId"][0]
        await receive()
        channel = self._keys.push_channel(session_id)
        messages = _messages(self._connection, channel)
        async with aclosing(messages):
            await anext(messages)
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": _GREETING})
            async for message in messages:
                await send({"type": "websocket.send", "text": message.decode()})


async def _messages(
    connection: RedisPyConnection | NativeConnection, channel: str
) -> AsyncGenerator[bytes, None]:
    """Yield an empty message when the subscription is active, then the messages of `channel`."""
    if isinstance(connection, RedisPyConnection):
        redis = await connection.subscriber()
        async with redis.pubsub() as pubsub:
            await pubsub.subscribe(channel)
            await pubsub.get_message(timeout=None)
            yield b""
            async for message in pubsub.listen():
                yield message["data"]
        return
    received: asyncio.Queue[bytes] = asyncio.Queue()
    subscriber = await connection.subscriber(
        lambda kind, _, data: received.put_nowait(data if kind == b"message" else b"")
    )
    try:
        subscriber.subscribe([channel])
        while True:
            yield await received.get()
    finally:
        await subscriber.close()


async def _answer(specimen: RecordedAnswer, send: Any) -> None:
    headers = [(name.encode(), value.encode()) for name, value in specimen.headers.items()]
    await send({"type": "http.response.start", "status": specimen.status, "headers": headers})
    await send({"type": "http.response.body", "body": specimen.body.encode()})


def main() -> None:
    """Run the server."""
    settings = Settings.from_environment()
    specimens = msgspec.json.decode(
        Path(os.environ[RECORDED_ANSWERS]).read_bytes(), type=RecordedAnswers
    )
    connection = CLIENTS[os.environ[BASELINE_CLIENT]](os.environ["REDIS_URL"])
    build_server(BaselineApp(connection, specimens), settings, "off").run()


if __name__ == "__main__":
    main()
