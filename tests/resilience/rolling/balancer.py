"""HAProxy in front of instances, as Fly's proxy is."""

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

_PROGRAM = "/usr/sbin/haproxy"
_PATIENCE_S = 10.0
_POLL_S = 0.02

_CONFIGURATION = """
defaults
    mode http
    timeout connect 1s
    timeout client 1m
    timeout server 1m
    timeout check 2s
    timeout tunnel 1h
    # A connection that was refused is tried once more, elsewhere; nothing else is.
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
    # One check that a busy instance is late for doesn't take it out.
    default-server check inter 100ms fall 3 rise 1
{servers}
"""


def can_run() -> bool:
    """Whether it is on this machine."""
    return Path(_PROGRAM).exists()


@dataclass(frozen=True, slots=True)
class Balancer:
    """A proxy that runs."""

    url: str
    _statistics: str

    async def until_up(self, port: int) -> None:
        """Return when it sends requests to the instance on `port`."""
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(_PATIENCE_S):
            while not await self._is_up(http, port):
                await asyncio.sleep(_POLL_S)

    async def _is_up(self, http: httpx.AsyncClient, port: int) -> bool:
        answer = await http.get(self._statistics)
        rows = csv.DictReader(answer.text.removeprefix("# ").splitlines())
        return any(row["svname"] == f"i{port}" and row["status"] == "UP" for row in rows)


@contextmanager
def balancer(ports: Sequence[int]) -> Iterator[Balancer]:
    """A proxy before instances on `ports`, to the end of the block."""
    port, statistics = free_port(), free_port()
    servers = "\n".join(f"    server i{number} 127.0.0.1:{number}" for number in ports)
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(_CONFIGURATION.format(port=port, statistics=statistics, servers=servers))
        file.flush()
        process = subprocess.Popen([_PROGRAM, "-db", "-q", "-f", file.name])
        try:
            _wait_for(f"http://127.0.0.1:{port}")
            yield Balancer(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{statistics}/;csv")
        finally:
            process.terminate()
            process.wait()


def _wait_for(url: str) -> None:
    give_up = time.monotonic() + _PATIENCE_S
    while not is_healthy(url):
        assert time.monotonic() < give_up, "the proxy doesn't answer"
        time.sleep(_POLL_S)
