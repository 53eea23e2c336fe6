"""Supabase's JavaScript clients in Node."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.npm import npm_install
from tests.integration.realtime.client import Client

_FOLDER = Path(__file__).parent / "js"
_MAX_LINE_BYTES = 2**22


class JsClient(Client):
    """`@supabase/realtime-js` or `@supabase/supabase-js` in a Node process."""

    _node: asyncio.subprocess.Process
    _listening: asyncio.Task[None]

    def __init__(self, subscription: Mapping[str, Any], library: str) -> None:
        super().__init__(subscription)
        self._library, _, self._vsn = library.partition(" ")

    async def join(self, *, private: bool) -> None:
        """See `Client`."""
        npm_install(_FOLDER)
        pipe = asyncio.subprocess.PIPE
        self._node = await asyncio.create_subprocess_exec(
            "node", "client.mjs", cwd=_FOLDER, stdin=pipe, stdout=pipe, limit=_MAX_LINE_BYTES
        )
        self._listening = asyncio.create_task(self._listen())
        options = {"private": private, "vsn": self._vsn or None}
        await self._command("join", **self._subscription, **options)

    async def set_auth(self, token: str) -> None:
        """See `Client`."""
        await self._command("set_auth", token=token)

    async def leave(self) -> None:
        """See `Client`."""
        await self._command("leave")

    async def close(self) -> None:
        """See `Client`."""
        assert self._node.stdin
        self._node.stdin.close()
        await self._listening
        await self._node.wait()

    async def _command(self, name: str, **more: Any) -> None:
        assert self._node.stdin
        command = {"do": name, "library": self._library, **more}
        self._node.stdin.write(json.dumps(command).encode() + b"\n")
        await self._node.stdin.drain()

    async def _listen(self) -> None:
        assert self._node.stdout
        async for line in self._node.stdout:
            self._report(json.loads(line))
