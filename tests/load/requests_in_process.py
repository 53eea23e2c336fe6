"""Send requests to an instance in this process: `requests_in_process.py read=300 create=0`.

`tests.load.instructions` runs this file, also with the code of other versions. Therefore it imports
nothing but `functions.server` and the settings, and calls the application without HTTP.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from functions.server import build
from shared.settings.settings import read_settings

_CALLERS = 16
_SESSIONS = 100
_WARM_UP = 64
_DAY_MS = 86_400_000
_HEADERS = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]


class Unexpected(Exception):
    """An answer wasn't 2xx."""


def _id(number: int) -> str:
    return f"5a7f9a52-6a2c-4d0c-9a38-{number:012x}"


_PARTICIPANTS = [
    {"participant_id": _id(n), "total_time_ms": _DAY_MS, "participant_index": n} for n in range(2)
]
_BODY = {"sync_mode": "per_participant", "increment_ms": 2_000, "participants": _PARTICIPANTS}
_CREATION = json.dumps({"session_id": "ID", **_BODY})
_created = count(1)


def _creation(session_id: str) -> tuple[str, str, bytes]:
    return "POST", "/v1/sessions", _CREATION.replace("ID", session_id).encode()


_KINDS: dict[str, Callable[[str], tuple[str, str, bytes]]] = {
    "read": lambda session_id: ("GET", f"/v1/sessions/{session_id}", b""),
    "create": lambda _: _creation(_id(next(_created))),
    "switch": lambda session_id: ("POST", f"/v1/sessions/{session_id}/switch", b"{}"),
}
"""The request of each kind, for one of the sessions."""


async def _main(numbers: dict[str, int]) -> None:
    app = build(read_settings()).pipeline
    sessions = [_id(next(_created)) for _ in range(_SESSIONS)]
    await _send(app, iter([_creation(session_id) for session_id in sessions]))
    starts = [("POST", f"/v1/sessions/{session_id}/start", b"") for session_id in sessions]
    await _send(app, iter(starts))
    for kind in numbers:
        await _send(app, _requests(kind, sessions, _WARM_UP))
    gc.collect()
    gc.freeze()
    for kind, number in numbers.items():
        await _send(app, _requests(kind, sessions, number))


def _requests(kind: str, sessions: list[str], number: int) -> Iterator[tuple[str, str, bytes]]:
    return (_KINDS[kind](sessions[n % _SESSIONS]) for n in range(number))


async def _send(app: Any, requests: Iterator[tuple[str, str, bytes]]) -> None:
    """Send `requests`: each of the callers sends its next one when it has its answer."""

    async def call() -> None:
        for method, path, body in requests:
            if not 200 <= (status := await _status_of(app, method, path, body)) < 300:
                raise Unexpected(f"{method} {path} was answered with {status}")

    await asyncio.gather(*(call() for _ in range(_CALLERS)))


async def _status_of(app: Any, method: str, path: str, body: bytes) -> int:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [*_HEADERS, (b"content-length", b"%d" % len(body))],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    return status


if __name__ == "__main__":
    asyncio.run(_main({kind: int(n) for kind, n in (one.split("=") for one in sys.argv[1:])}))
