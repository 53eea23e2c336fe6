"""Free loopback ports for local servers, reserved so that no two servers get the same one."""

import errno
import os
import random
import socket
from contextlib import suppress
from dataclasses import dataclass

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Below the ephemeral ports of Linux (32768 and up) and macOS (49152 and up). No outgoing
connection takes such a port while its server is down."""
_BLOCK_SIZE = 200
"""Ports of one process. A process uses all of them before it returns one again."""


@dataclass(slots=True)
class _Block:
    """Consecutive ports that belong to one process.

    Until it ends, the process holds a UDP socket with the number of the first port. Only one
    process can do so.
    """

    process_id: int
    ports: range
    used: int = 0


_block: _Block | None = None


def free_port() -> int:
    """Return a free loopback port, for a server that may be stopped and started again on it.

    Neither this process nor another one that calls this function gets the same port, unless this
    process asks for 200 more. Raises `OSError` when all ports are taken.
    """
    global _block
    if _block is None or _block.process_id != os.getpid():  # a forked process needs its own
        _block = _reserved_block()
    for _ in range(_BLOCK_SIZE):
        port = _block.ports[_block.used % _BLOCK_SIZE]
        _block.used += 1
        if _is_free(port):
            return port
    raise OSError(f"All ports from {_block.ports[0]} to {_block.ports[-1]} are taken.")


def require_free_port(host: str, port: int, target: str) -> None:
    """End the process, with the reason, if the make `target` can't listen on `port` of `host`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        is_taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        advice = f"another port: make {target} PORT={port + 1}" if is_taken else "another HOST."
        raise SystemExit(
            f"Can't listen on port {port} of {host} ({error.strerror}). Choose {advice}"
        ) from None


def _reserved_block() -> _Block:
    starts = list(_BELOW_EPHEMERAL[::_BLOCK_SIZE])
    random.shuffle(starts)
    for start in starts:
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", start))
        except OSError:
            reservation.close()
        else:
            reservation.detach()  # it stays open until the process ends, however it ends
            return _Block(os.getpid(), range(start, start + _BLOCK_SIZE))
    raise OSError("Other processes have reserved all ports for local servers.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        # Connections of a server that has stopped don't keep the next one from starting.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False
