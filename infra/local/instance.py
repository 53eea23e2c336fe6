"""A real instance of the service, in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.ports import free_port
from infra.local.unguarded import UNGUARDED

_ROOT = Path(__file__).parents[2]
_START_TIMEOUT_S = 60.0  # many may start at once; one that dies is noticed at once
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02


_STATE_SERVICES = (
    "REDIS_URL",
    "DATABASE_URL",
    "SUPABASE_URL",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_JWT_SECRET",
    "SUPABASE_SIGNING_KEY",
)


class InstanceFailed(Exception):
    """The instance didn't start; the message says why, as far as it is known."""


@dataclass(frozen=True, slots=True)
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


@contextmanager
def running(
    redis_url: str,
    *,
    module: str = "functions.server",
    port: int | None = None,
    quiet: bool = False,
    **settings: str,
) -> Iterator[Instance]:
    """`python -m module` on `redis_url`, from when it answers to the end of the block.

    `quiet` keeps what it logs to itself. Raises `InstanceFailed` when it doesn't answer.
    """
    port = port or free_port()
    own = {"HOST": "127.0.0.1", "PORT": str(port), "REDIS_URL": redis_url, "LOG_LEVEL": "WARNING"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=_ROOT,
            env=environment() | UNGUARDED | own | settings,
            stdout=log if quiet else None,
            stderr=log if quiet else None,
        )
        try:
            instance = Instance(process, port)
            if not _comes_to_answer(instance):
                log.seek(0)
                said = log.read().decode(errors="replace").strip().splitlines()
                raise InstanceFailed(f"{module} doesn't start{': ' + said[-1] if said else '.'}")
            yield instance
        finally:
            _stop(process)


def environment() -> dict[str, str]:
    """Ours, short of the state services it names: nobody's data is played with by mistake."""
    return {name: v for name, v in os.environ.items() if name not in _STATE_SERVICES}


def answers(url: str) -> bool:
    """Whether a service is alive at `url`."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1.0) as answer:  # nosec B310
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def _comes_to_answer(instance: Instance) -> bool:
    give_up = time.monotonic() + _START_TIMEOUT_S
    while instance.is_alive and time.monotonic() < give_up:
        if answers(instance.url):
            return True
        time.sleep(_POLL_S)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
