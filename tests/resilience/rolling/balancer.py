"""HAProxy as load balancer in front of the instances, in the place of Fly's proxy."""

import asyncio
import csv
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.local.instance import is_healthy
from infra.local.ports import free_port

_HAPROXY = "/usr/sbin/haproxy"
_TIMEOUT_S = 30.0
_POLL_INTERVAL_S = 0.02

_CONFIGURATION = """
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
    timeout check 2s
    timeout tunnel 1h
    # Retry only refused connections, once and on another instance.
    retries 1
    retry-on conn-failure
    option redispatch 1
frontend statistics
    bind 127.0.0.1:{statistics}
    stats enable
    stats uri /
frontend public
    bind 127.0.0.1:{port}
    default_backend instances
backend instances
    balance leastconn
    option httpchk GET /ready
    http-check expect status 200
    # A busy instance stays in rotation when it is late for one check.
    default-server check inter 100ms fall 3 rise 1
{servers}
"""


def is_installed() -> bool:
    """Return whether HAProxy is installed."""
    return Path(_HAPROXY).exists()


@dataclass(frozen=True, slots=True)
class Balancer:
    """A running proxy."""

    url: str
    _statistics: str

    async def wait_until_up(self, port: int) -> None:
        """Wait until the proxy sends requests to the instance on `port`."""
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(_TIMEOUT_S):
            while not await self._is_up(http, port):
                await asyncio.sleep(_POLL_INTERVAL_S)

    async def _is_up(self, http: httpx.AsyncClient, port: int) -> bool:
        answer = await http.get(self._statistics)
        rows = csv.DictReader(answer.text.removeprefix("# ").splitlines())
        return any(row["svname"] == f"i{port}" and row["status"] == "UP" for row in rows)


@contextmanager
def balancer(ports: Sequence[int]) -> Iterator[Balancer]:
    """Run a proxy in front of the instances on `ports` until the end of the block."""
    port, statistics = free_port(), free_port()
    servers = "\n".join(f"    server i{number} 127.0.0.1:{number}" for number in ports)
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(_CONFIGURATION.format(port=port, statistics=statistics, servers=servers))
        file.flush()
        process = subprocess.Popen([_HAPROXY, "-db", "-q", "-f", file.name])
        try:
            _wait_until_answers(f"http://127.0.0.1:{port}")
            yield Balancer(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{statistics}/;csv")
        finally:
            process.terminate()
            process.wait()


def _wait_until_answers(url: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not is_healthy(url):
        assert time.monotonic() < deadline, "the proxy didn't start in time"
        time.sleep(_POLL_INTERVAL_S)
