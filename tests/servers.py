"""Real instances of the service, each a process of its own on a free loopback port."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
_START_TIMEOUT_S = 20.0
_POLL_S = 0.02


@dataclass(frozen=True)
class Instance:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Where it answers WebSockets."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    redis_url: str, *, port: int | None = None, module: str = "functions.server", **env: str
) -> Iterator[Instance]:
    """An instance on `redis_url` that answers; it must stop by itself when it is told to."""
    port = port or free_port()
    settings = {"REDIS_URL": redis_url, "PORT": str(port), "LOG_LEVEL": "WARNING", **env}
    process = subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, env={**os.environ, **settings}
    )
    instance = Instance(process, port)
    try:
        wait_until_healthy(instance)
        yield instance
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(timeout=10)


def wait_until_healthy(instance: Instance) -> None:
    """Return when the instance answers; raise if it ends or takes too long."""
    give_up = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < give_up:
        if not instance.is_alive:
            raise AssertionError(f"the server ended with {instance.process.returncode}")
        try:
            if httpx.get(f"{instance.url}/health", timeout=1).is_success:
                return
        except httpx.TransportError:
            time.sleep(_POLL_S)
    raise AssertionError("the server did not answer in time")
