"""Ports of local servers: those of parallel processes and of restarted servers never collide."""

import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from infra.local.ports import free_port, require_free_port

_FIRST_EPHEMERAL = 32_768
_PRINT_PORTS = """
import sys
import pytest

from infra.local.ports import free_port, require_free_port
print(*(free_port() for _ in range(100)), flush=True)
sys.stdin.read()
"""


def test_a_port_is_not_returned_again_while_its_server_may_restart() -> None:
    ports = [free_port() for _ in range(100)]
    assert len(set(ports)) == 100
    assert max(ports) < _FIRST_EPHEMERAL, "an outgoing connection could take it"


def test_processes_get_different_ports() -> None:
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _PRINT_PORTS],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for _ in range(4)
        ]
        ports = [int(port) for p in processes for port in p.stdout.readline().split()]  # type: ignore[union-attr]
    assert len(ports) == len(set(ports)) == 400
    assert not set(ports) & {free_port() for _ in range(100)}


def test_a_port_in_use_is_skipped() -> None:
    first = free_port()
    with socket.socket() as server:
        server.bind(("127.0.0.1", first))
        server.listen()
        assert first not in {free_port() for _ in range(100)}
    assert first in {free_port() for _ in range(100)}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_taken_port_ends_the_process_with_a_sentence(host: str) -> None:
    port = free_port()
    require_free_port(host, port, "run")
    with socket.create_server((host, port)), pytest.raises(SystemExit) as ended:
        require_free_port(host, port, "run")
    assert str(ended.value) == (
        f"Can't listen on port {port} of {host} (Address already in use)."
        f" Choose another port: make run PORT={port + 1}"
    )


def test_an_unknown_host_is_not_reported_as_a_taken_port() -> None:
    with pytest.raises(SystemExit, match="Choose another HOST"):
        require_free_port("host.invalid", 3000, "run")
