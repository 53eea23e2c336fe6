"""A client as a program, and what it told so far."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_PATIENCE_S = 15.0
_LINE_LIMIT = 1 << 20

PYTHON = (sys.executable, "-m", "tests.clients.runner")
JAVASCRIPT = ("node", str(_HERE / "runner.mjs"))

Line = dict[str, Any]


class Driver:
    """One client of one service; every session that it follows has lines of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: dict[str, list[Line]] = {}
        self._news = asyncio.Condition()
        self._has_ended = False

    async def listen(self) -> None:
        """Take in what it says, until it says no more."""
        assert self._process.stdout
        async for text in self._process.stdout:
            line = json.loads(text)
            session_id = line.get("session") or line.get("opened") or line.get("refused") or ""
            async with self._news:
                self._lines.setdefault(session_id, []).append(line)
                self._news.notify_all()
        async with self._news:
            self._has_ended = True
            self._news.notify_all()

    def lines(self, session_id: str, kind: str) -> list[Line]:
        """All lines of a session that have a `kind`, in order."""
        return [line for line in self._lines.get(session_id, ()) if kind in line]

    def events(self, session_id: str, name: str) -> list[Line]:
        """The events of that name."""
        return [line for line in self.lines(session_id, "event") if line["event"] == name]

    async def until(self, session_id: str, kind: str, count: int) -> Line:
        """The line of that number among those that have a `kind`, once it is there."""
        await self._until(lambda: len(self.lines(session_id, kind)) >= count)
        return self.lines(session_id, kind)[count - 1]

    async def until_event(self, session_id: str, name: str, count: int) -> None:
        """Return when there are so many events of that name."""
        await self._until(lambda: len(self.events(session_id, name)) >= count)

    async def opened(self, session_id: str) -> None:
        """Have it follow a session, and wait for its first state."""
        self._write({"open": session_id})
        await self.until(session_id, "opened", 1)

    async def do(self, session_id: str, verb: str, args: Any) -> None:
        """Have it act."""
        count = len(self.lines(session_id, "done")) + 1
        self._write({"session": session_id, "do": verb, "args": args})
        await self.until(session_id, "done", count)

    async def report(self, session_id: str) -> Line:
        """How it sees a session."""
        count = len(self.lines(session_id, "report")) + 1
        self._write({"session": session_id, "report": True})
        report: Line = (await self.until(session_id, "report", count))["report"]
        return report

    async def close(self) -> int:
        """Have it close; its exit code."""
        self._write({"close": True})
        return await self._process.wait()

    async def _until(self, is_so: Any) -> None:
        async with asyncio.timeout(_PATIENCE_S), self._news:
            await self._news.wait_for(lambda: is_so() or self._has_ended)
        assert is_so(), "the runner ended"

    def _write(self, line: Line) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line).encode() + b"\n")


@asynccontextmanager
async def driver(
    command: Sequence[str], url: str, transport: str | None = None
) -> AsyncIterator[Driver]:
    """The client that `command` starts, following the service at `url`; it must end well.

    `transport` is used in place of the one that the service recommends.
    """
    options = json.dumps({"baseUrl": url} | ({"transport": transport} if transport else {}))
    process = await asyncio.create_subprocess_exec(
        *command, options, cwd=_ROOT, stdin=PIPE, stdout=PIPE, limit=_LINE_LIMIT
    )
    driven = Driver(process)
    listening = asyncio.create_task(driven.listen())
    try:
        await driven.until("", "ready", 1)
        yield driven
        async with asyncio.timeout(_PATIENCE_S):
            assert await driven.close() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening
