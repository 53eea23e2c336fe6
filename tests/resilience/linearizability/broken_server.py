"""The service with one of its safeguards taken out, as `BREAK` says: the checker must notice."""

import os
import time
from collections.abc import Sequence
from functools import cache

from shared.ports import IdempotencyKey, Limit, Loaded
from shared.store import connection
from shared.store.connection import Script

_BREAK = os.environ["BREAK"]
_IN_LUA = {
    "revision": "if revision ~= expected then",
    "answer": "if recorded then",
}
"""What a commit relies on: that nobody came between, and that no other try was answered."""
_MEMORY_S = 0.02

_whole = connection.script


@cache
def _without_safeguard(name: str) -> Script:
    text = _whole(name).text
    safeguard = _IN_LUA.get(_BREAK)
    if name == "commit" and safeguard:
        assert text.count(safeguard) == 1
        text = text.replace(safeguard, "if false then")
    return Script.of(text)


connection.script = _without_safeguard

from functions import server  # noqa: E402 # because the script must be broken before
from shared.store.sessions import RedisSessionStore  # noqa: E402 # likewise

_load = RedisSessionStore.load
_memory: dict[str, tuple[float, Loaded]] = {}


async def _load_from_memory(
    self: RedisSessionStore,
    name: str,
    key: IdempotencyKey | None = None,
    limits: Sequence[Limit] = (),
    *,
    with_epoch: bool = False,
) -> Loaded:
    until, remembered = _memory.get(name, (0.0, None))
    if remembered and key is None and time.monotonic() < until:
        return remembered
    loaded = await _load(self, name, key, limits, with_epoch=with_epoch)
    _memory[name] = (time.monotonic() + _MEMORY_S, loaded)
    return loaded


if _BREAK == "memory":
    RedisSessionStore.load = _load_from_memory  # type: ignore[method-assign] # the point of it

if __name__ == "__main__":
    server.main()
