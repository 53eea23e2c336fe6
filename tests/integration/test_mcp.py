"""`python -m infra.mcp` lets a client of the Model Context Protocol run a game."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support import tokens

_GAME = {
    "sync_mode": "per_participant",
    "participants": [
        {"participant_id": "ada", "total_time_ms": 60_000},
        {"participant_id": "ben", "total_time_ms": 60_000},
    ],
}


class _Model:
    """What a language model does: it calls tools."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def use(self, tool: str, **arguments: Any) -> Any:
        """Call a tool that succeeds, and return its answer."""
        result: Any = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """Call a tool that fails, and return its message."""
        result: Any = await self.client.call_tool(tool, arguments)
        assert result.is_error
        return str(result.content[0].text)


@asynccontextmanager
async def _connected(url: str, token: str) -> AsyncIterator[_Model]:
    """Start the server as a process, as an MCP host does."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "infra.mcp", url],
        env={**os.environ, "SYNCKAIROS_TOKEN": token},
    )
    async with Client(stdio_client(server)) as client:
        yield _Model(client)


async def test_a_model_runs_a_game(guarded_url: str) -> None:
    async with _connected(guarded_url, tokens.service(tenant="models")) as model:
        listed = await model.client.list_tools()
        assert {tool.name for tool in listed.tools} == {
            "create_session",
            "list_sessions",
            "read_session",
            "command",
            "history",
        }
        created = await model.use("create_session", body=_GAME)
        session_id = created["session_id"]
        assert created["status"] == "pending"
        await model.use("command", session_id=session_id, operation="start")
        turn = {"current": "ada"}
        switched = await model.use(
            "command", session_id=session_id, operation="switch", fields=turn
        )
        assert switched["active_participant_id"] == "ben"
        more = {"add_ms": 30_000, "to": {"participants": ["ada"]}}
        await model.use("command", session_id=session_id, operation="adjust", fields=more)
        read = await model.use("read_session", session_id=session_id)
        assert (read["status"], read["version"]) == ("running", 4)
        assert read["participants"][0]["total_time_ms"] > 60_000
        page = await model.use("list_sessions", status="running")
        assert [one["session_id"] for one in page["sessions"]] == [session_id]
        events = (await model.use("history", session_id=session_id))["events"]
        assert {one["event"] for one in events} <= {
            "session_created",
            "session_started",
            "cycle_switched",
            "time_adjusted",
        }


@pytest.mark.parametrize(
    ("operation", "fields", "message"),
    [
        ("pause", {}, "INVALID_STATE_TRANSITION: "),
        ("adjust", {"add_ms": 0}, "VALIDATION_ERROR: "),
        ("switch", {"nobody": "ada"}, "The fields of switch are wrong: "),
    ],
)
async def test_a_model_is_told_why_a_command_is_refused(
    guarded_url: str, operation: str, fields: dict[str, Any], message: str
) -> None:
    async with _connected(guarded_url, tokens.service(tenant="models")) as model:
        session_id = (await model.use("create_session", body=_GAME))["session_id"]
        refusal = await model.refusal(
            "command", session_id=session_id, operation=operation, fields=fields
        )
        assert message in refusal


async def test_the_server_has_the_rights_of_its_token_only(guarded_url: str) -> None:
    async with _connected(guarded_url, tokens.host("alice", tenant="models")) as model:
        session_id = (await model.use("create_session", body=_GAME))["session_id"]
    async with _connected(guarded_url, tokens.host("bob", tenant="models")) as model:
        refusal = await model.refusal("read_session", session_id=session_id)
        assert "SESSION_NOT_FOUND" in refusal
