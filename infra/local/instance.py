"""Runs the service in a separate process."""

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
from typing import Protocol

from infra.local import forked
from infra.local.no_auth_settings import NO_AUTH_SETTINGS
from infra.local.ports import free_port

_ROOT = Path(__file__).parents[2]
_SERVER = "functions.server"
_START_TIMEOUT_S = 60.0  # for many starts in parallel; a process that exits ends the wait
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02


_EXCLUDED_SETTINGS = (
    "REDIS_URL",
    "DATABASE_URL",
    "SUPABASE_URL",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_JWT_SECRET",
    "SUPABASE_SIGNING_KEY",
)


class ServiceProcess(Protocol):
    """The methods of `subprocess.Popen` that this project uses."""

    @property
    def pid(self) -> int:
        """The process id."""

    def poll(self) -> int | None:
        """Return the exit code; `None` while the process runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises `subprocess.TimeoutExpired` after `timeout` s."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless the process has ended."""

    def terminate(self) -> None:
        """Ask the process to stop (SIGTERM)."""

    def kill(self) -> None:
        """Stop the process at once (SIGKILL)."""


class ServiceStartError(Exception):
    """The instance didn't start. The message contains the last line of its log, if known."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A running service process."""

    process: ServiceProcess
    port: int

    @property
    def url(self) -> str:
        """Base URL for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """URL for WebSockets."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def is_alive(self) -> bool:
        """Whether the process is running."""
        return self.process.poll() is None


@contextmanager
def running(
    redis_url: str,
    *,
    module: str = _SERVER,
    port: int | None = None,
    quiet: bool = False,
    **settings: str,
) -> Iterator[Instance]:
    """Run `python -m module` on `redis_url`; wait until it answers; stop it after the block.

    `quiet` hides its log. `settings` are environment variables. Raises `ServiceStartError` when it
    doesn't start.
    """
    port = port or free_port()
    defaults = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "WARNING",
    }
    environment = environment_without_databases() | NO_AUTH_SETTINGS | defaults | settings
    with tempfile.NamedTemporaryFile() as log:
        process: ServiceProcess
        if forked.is_enabled and module == _SERVER:  # other modules may patch what is imported
            process = forked.ForkedProcess(module, environment, log.fileno() if quiet else None)
        else:
            output = log if quiet else None
            command = [sys.executable, "-m", module]
            process = subprocess.Popen(
                command, cwd=_ROOT, env=environment, stdout=output, stderr=output
            )
        try:
            instance = Instance(process, port)
            if not _wait_until_ready(instance):
                log_lines = Path(log.name).read_text(errors="replace").strip().splitlines()
                raise ServiceStartError(
                    f"{module} doesn't start{': ' + log_lines[-1] if log_lines else '.'}"
                )
            yield instance
        finally:
            _stop(process)


def environment_without_databases() -> dict[str, str]:
    """Return this process's environment without databases, so that tests can't change real data."""
    return {name: v for name, v in os.environ.items() if name not in _EXCLUDED_SETTINGS}


def is_healthy(url: str) -> bool:
    """Return whether a service answers 200 at `url`/health, within 1 s."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1.0) as answer:  # nosec B310
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def _wait_until_ready(instance: Instance) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while instance.is_alive and time.monotonic() < deadline:
        if is_healthy(instance.url):
            return True
        time.sleep(_POLL_S)
    return False


def _stop(process: ServiceProcess) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
