"""One Valkey of several, with a client that asks it about its own state."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infra.local.valkey import ValkeyProcess

_PATIENCE_S = 20.0
_POLL_S = 0.02


class NotInTime(Exception):
    """Servers did not get into the state that was waited for; the message says which."""


class RedisNode:
    """A server that may be killed and started again. Its port stays the same, its role does not."""

    def __init__(
        self,
        folder: Path,
        port: int,
        settings: Sequence[str],
        *,
        user: tuple[str, str] | None = None,
        sentinel: bool = False,
    ) -> None:
        self.process = ValkeyProcess(folder, port, settings, sentinel=sentinel)
        name, password = user or (None, None)
        self._redis = Redis(
            port=port,
            username=name,
            password=password,
            protocol=2,
            decode_responses=True,
            socket_timeout=2.0,
            socket_connect_timeout=1.0,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis.response_callbacks.clear()

    @property
    def port(self) -> int:
        """The port for clients."""
        return self.process.port

    def ask(self, *command: str | int) -> Any:
        """The reply of this node as it comes, text decoded. Raises `RedisError`."""
        execute: Any = self._redis.execute_command  # redis-py has no types for it
        return execute(*command)

    def says(self, *command: str | int) -> Any:
        """The same, but None where the node does not answer or refuses."""
        try:
            return self.ask(*command)
        except (RedisError, OSError):
            return None

    def info(self, section: str) -> dict[str, str]:
        """That section of INFO; empty where the node does not answer."""
        lines = (self.says("INFO", section) or "").splitlines()
        return {name: value for name, _, value in (line.partition(":") for line in lines)}

    def close(self) -> None:
        """Kill it."""
        self._redis.close()
        self.process.kill()


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Ask until it is so. Raises `NotInTime` after 20 s."""
    give_up = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > give_up:
            raise NotInTime(f"Not within {_PATIENCE_S:.0f} s: {what}.")
        time.sleep(_POLL_S)
