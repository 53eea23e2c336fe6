"""One Valkey node of several, with a client for its own state."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infra.local.valkey import ValkeyProcess

_TIMEOUT_S = 20.0
_POLL_S = 0.02


class WaitTimeout(Exception):
    """Servers didn't reach an expected state; the message says which one."""


class RedisNode:
    """A server that can be killed and started again. Its port stays the same, its role may not."""

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
        """Send `command` and return the reply as is, with text decoded. Raises `RedisError`."""
        execute: Any = self._redis.execute_command  # redis-py has no types for this
        return execute(*command)

    def says(self, *command: str | int) -> Any:
        """Like `ask`, but return None if the node doesn't answer or replies with an error."""
        try:
            return self.ask(*command)
        except (RedisError, OSError):
            return None

    def info(self, section: str) -> dict[str, str]:
        """Return a section of INFO; empty if the node doesn't answer."""
        lines = (self.says("INFO", section) or "").splitlines()
        return {name: value for name, _, value in (line.partition(":") for line in lines)}

    def close(self) -> None:
        """Kill the server."""
        self._redis.close()
        self.process.kill()


def wait_until(
    condition: Callable[[], bool], what: str, state: Callable[[], str] = lambda: ""
) -> None:
    """Poll until `condition()` holds.

    Raises `WaitTimeout` after 20 s; `what` describes the condition, and `state()` the servers then.
    """
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            message = f"Timed out after {_TIMEOUT_S:.0f} s, waiting until {what}."
            raise WaitTimeout("\n".join(filter(None, (message, state()))))
        time.sleep(_POLL_S)
