"""Clients that change sessions, and retry while the service answers 503."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx

from tests.resilience.faults.attempt_log import Attempt, AttemptLog, is_unavailable, now
from tests.support.api import chess, participant

_PAUSE_S = 0.01
_LONG_MS = 86_400_000
"""Longer than any test, so that no flag falls."""


def long_game() -> dict[str, Any]:
    """Return a create body whose clocks outlast every test."""
    return chess(participants=[participant(_LONG_MS), participant(_LONG_MS)], increment_ms=7)


@dataclass
class Player:
    """A client of one instance that sends one request at a time."""

    number: int
    http: httpx.AsyncClient
    log: AttemptLog
    session_id: str = ""

    async def play(self, ended: asyncio.Event, moves: Sequence[str]) -> None:
        """Make `moves` over and over until `ended` is set; the last one may stay unfinished."""
        known: dict[str, Callable[[], Awaitable[object]]] = {
            "create": self.create,
            "read": self._read,
            "read events": self._read_events,
            "switch": lambda: self._once("POST", f"{self._path}/switch"),
            "switch with retries": lambda: self._retried(ended, "POST", f"{self._path}/switch"),
            "adjust with retries": self._adjusting(ended),
        }
        for move in cycle(moves):
            if ended.is_set():
                return
            await known[move]()
            await asyncio.sleep(_PAUSE_S)

    async def create(self) -> str:
        """Create a session, retrying until it succeeds; return the id that the service chose."""
        answer = await self._retried(None, "POST", "/v1/sessions", long_game())
        return str(answer.json()["data"]["session_id"])

    async def start(self) -> None:
        """Start the session, retrying until it succeeds."""
        await self._retried(None, "POST", f"{self._path}/start")

    async def version(self) -> int:
        """Return the session's present version, retrying until it can be read."""
        while (answer := await self._read()).status_code == 503:
            await asyncio.sleep(_PAUSE_S)
        return int(answer.json()["data"]["version"])

    @property
    def _path(self) -> str:
        return f"/v1/sessions/{self.session_id}"

    def _adjusting(self, ended: asyncio.Event) -> Callable[[], Awaitable[object]]:
        async def adjust() -> None:
            answer = await self._read()
            if answer.is_success:
                participant_id = answer.json()["data"]["participants"][0]["participant_id"]
                path = f"{self._path}/participants/{participant_id}"
                body = {"total_time_ms": _LONG_MS - len(self.log.attempts)}
                await self._retried(ended, "PATCH", path, body)

        return adjust

    async def _read(self) -> httpx.Response:
        return await self._send("GET", self._path, uuid4().hex, is_change=False)

    async def _read_events(self) -> None:
        await self._send("GET", f"{self._path}/events?limit=3", uuid4().hex, is_change=False)

    async def _once(self, method: str, path: str) -> None:
        """Send a change once: without an idempotency key, a retry isn't safe."""
        await self._send(method, path, uuid4().hex)

    async def _retried(
        self, ended: asyncio.Event | None, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        """Send a change with one idempotency key until it succeeds or `ended` is set."""
        key = uuid4().hex
        while True:
            answer = await self._send(method, path, key, body, key=key)
            if answer.status_code != 503 or (ended and ended.is_set()):
                return answer
            await asyncio.sleep(_PAUSE_S)

    async def _send(
        self,
        method: str,
        path: str,
        operation: str,
        body: Any = None,
        *,
        key: str | None = None,
        is_change: bool = True,
    ) -> httpx.Response:
        request_id = f"{operation}-{len(self.log.attempts)}-{self.number}"
        headers = {"X-Request-Id": request_id} | ({"Idempotency-Key": key} if key else {})
        started_at = now()
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success or is_unavailable(answer), answer.text
        self.log.add(
            Attempt(
                self.number,
                operation,
                request_id,
                started_at,
                now() - started_at,
                answer,
                is_change,
            )
        )
        return answer
