"""`python -m infra.mcp`: an MCP server over stdio, with which language models use a service.

MCP is the Model Context Protocol (modelcontextprotocol.io). The server has the rights of the token
in `SYNCKAIROS_TOKEN`; a service without authentication needs none.
"""

import argparse
import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any, Literal, get_args

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from synckairos import ApiError, SyncKairos

_DEFAULT_URL = "http://127.0.0.1:3000"
_INSTRUCTIONS = """\
SyncKairos keeps many clients on one clock. Create a session, start it with `command`, then `switch`
ends a turn. All times are whole milliseconds. /llms.txt and /api-docs.json of the service describe
all fields.
"""

Operation = Literal[
    "start",
    "switch",
    "go",
    "pause",
    "resume",
    "adjust",
    "undo",
    "begin",
    "finish",
    "forfeit",
    "complete",
    "cancel",
    "unschedule",
]
Status = Literal["pending", "running", "paused", "expired", "completed", "cancelled"]
_METHODS: Mapping[str, str] = {name: name for name in get_args(Operation)} | {
    "adjust": "adjust_clocks"
}
"""The method of a session for each operation."""


class Tools:
    """The tools, which make requests with `client`. A refused request is an error with its code."""

    def __init__(self, client: SyncKairos) -> None:
        self._client = client

    async def create_session(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create a session, which is `pending`, and return it.

        `body` has `sync_mode` (per_participant, per_cycle, per_group, global, count_up, individual)
        and the fields of that mode, such as {"sync_mode": "per_participant", "increment_ms": 2000,
        "participants": [{"participant_id": "ada", "total_time_ms": 180000},
        {"participant_id": "ben", "total_time_ms": 180000}]}.
        """
        with _refusals():
            created = await self._client.create(body)
        return dict(created.state or {})

    async def list_sessions(
        self, status: Status | None = None, limit: int = 20, after: str | None = None
    ) -> dict[str, Any]:
        """Return a page of sessions in short form, newest first; `next` is the `after` of the next
        page.
        """
        wanted: Any = {"status": status, "limit": limit, "after": after}
        given = {name: value for name, value in wanted.items() if value is not None}
        with _refusals():
            return dict(await self._client.list_page(**given))

    async def read_session(self, session_id: str) -> dict[str, Any]:
        """Return a session with its live times."""
        with _refusals():
            found = (await self._client.batch([session_id]))["sessions"]
        if not found:
            raise ToolError("SESSION_NOT_FOUND: Session not found")
        return dict(found[0])

    async def command(
        self, session_id: str, operation: Operation, fields: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Change a session, and return what it is now.

        `fields` depend on the operation: switch: `current` (the participant whose turn is to end),
        `next`; go: `item_id`; adjust: `add_ms` or `set_ms`, `to` ("all", "session", "cycle" or
        {"participants": [ids]}), `reason`; undo: `mode` (turn_start, before_switch, as_if_never);
        finish, forfeit: `participant_id`. The others need none. start, pause, resume,
        complete and adjust may have `effective_at` (ms since 1970, at most 60 s ahead).
        """
        change = getattr(self._client.session(session_id), _METHODS[operation])
        try:
            signature(change).bind(**(fields or {}))
        except TypeError as error:
            raise ToolError(f"The fields of {operation} are wrong: {error}") from None
        with _refusals():
            return dict(await change(**(fields or {})))

    async def history(
        self, session_id: str, after: int | None = None, limit: int = 100
    ) -> dict[str, Any]:
        """Return the audit events of a session, oldest first: who changed what, and when.

        `next` is the `after` of the next page.
        """
        with _refusals():
            return await self._client.session(session_id).events(after, limit)


def build_server(client: SyncKairos) -> MCPServer:
    """Return a server with the tools, which use `client`."""
    server = MCPServer("synckairos", instructions=_INSTRUCTIONS)
    tools = Tools(client)
    for tool in (
        tools.create_session,
        tools.list_sessions,
        tools.read_session,
        tools.command,
        tools.history,
    ):
        server.add_tool(tool)
    return server


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell the model the code and the reason of a refused request."""
    try:
        yield
    except ApiError as error:
        raise ToolError(f"{error.code}: {error}") from None


async def _serve(url: str, token: str | None) -> None:
    async with SyncKairos(url, token) as client:
        await build_server(client).run_stdio_async()


def main() -> None:
    """Serve until the client closes the input."""
    parser = argparse.ArgumentParser(prog="python -m infra.mcp", description=__doc__)
    parser.add_argument("url", nargs="?", default=_DEFAULT_URL, help=f"default: {_DEFAULT_URL}")
    asyncio.run(_serve(parser.parse_args().url, os.environ.get("SYNCKAIROS_TOKEN")))


if __name__ == "__main__":
    main()
