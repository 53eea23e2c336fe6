"""Runs a client as a separate process, and collects its output lines."""

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
_TIMEOUT_S = 30.0
_LINE_LIMIT = 1 << 20

PYTHON = (sys.executable, "-m", "tests.clients.runner")
JAVASCRIPT = ("node", str(_HERE / "runner.mjs"))

Line = dict[str, Any]


class Driver:
    """One client of one service; its output lines are kept per session."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: dict[str, list[Line]] = {}
        self._line_added = asyncio.Condition()
        self._has_ended = False

    async def read_output(self) -> None:
        """Collect its output lines until it exits."""
        assert self._process.stdout
        async for text in self._process.stdout:
            line = json.loads(text)
            session_id = line.get("session") or line.get("opened") or line.get("refused") or ""
            async with self._line_added:
                self._lines.setdefault(session_id, []).append(line)
                self._line_added.notify_all()
        async with self._line_added:
            self._has_ended = True
            self._line_added.notify_all()

    def lines(self, session_id: str, kind: str) -> list[Line]:
        """Return the lines of a session that have the key `kind`, in order."""
        return [line for line in self._lines.get(session_id, ()) if kind in line]

    def events(self, session_id: str, name: str) -> list[Line]:
        """Return the lines of a session's events of that name."""
        return [line for line in self.lines(session_id, "event") if line["event"] == name]

    async def wait_for_line(self, session_id: str, kind: str, count: int) -> Line:
        """Wait for line number `count` with the key `kind`, and return it."""
        await self._wait_until(lambda: len(self.lines(session_id, kind)) >= count)
        return self.lines(session_id, kind)[count - 1]

    async def until_event(self, session_id: str, name: str, count: int) -> None:
        """Wait until there are `count` events of that name."""
        await self._wait_until(lambda: len(self.events(session_id, name)) >= count)

    async def opened(self, session_id: str, *, presence: bool = False) -> None:
        """Open a session in the client, and wait until it is open.

        `presence`: with events of its presence, which the JavaScript client's process supports.
        """
        self._write({"open": session_id} | ({"presence": True} if presence else {}))
        await self.wait_for_line(session_id, "opened", 1)

    async def do(self, session_id: str, verb: str, args: Any) -> None:
        """Have the client perform an action, and wait for its success."""
        count = len(self.lines(session_id, "done")) + 1
        self._write({"session": session_id, "do": verb, "args": args})
        await self.wait_for_line(session_id, "done", count)

    async def report(self, session_id: str) -> Line:
        """Return the client's view of a session."""
        count = len(self.lines(session_id, "report")) + 1
        self._write({"session": session_id, "report": True})
        report: Line = (await self.wait_for_line(session_id, "report", count))["report"]
        return report

    async def close(self) -> int:
        """Close the client; return its exit code."""
        self._write({"close": True})
        return await self._process.wait()

    async def _wait_until(self, condition: Any) -> None:
        async with asyncio.timeout(_TIMEOUT_S), self._line_added:
            await self._line_added.wait_for(lambda: condition() or self._has_ended)
        assert condition(), "the runner ended"

    def _write(self, line: Line) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line).encode() + b"\n")


@asynccontextmanager
async def driver(
    command: Sequence[str], url: str, transport: str | None = None
) -> AsyncIterator[Driver]:
    """Start a client of the service at `url` with `command`; it must exit with code 0.

    `transport` replaces the one that the service recommends.
    """
    options = json.dumps({"baseUrl": url} | ({"transport": transport} if transport else {}))
    process = await asyncio.create_subprocess_exec(
        *command, options, cwd=_ROOT, stdin=PIPE, stdout=PIPE, limit=_LINE_LIMIT
    )
    client = Driver(process)
    reading = asyncio.create_task(client.read_output())
    try:
        await client.wait_for_line("", "ready", 1)
        yield client
        async with asyncio.timeout(_TIMEOUT_S):
            assert await client.close() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading
