"""Ports that nobody listens on."""

import random
import socket
from contextlib import suppress

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Ports that no kernel gives to outgoing connections (Linux: 32768 and up, macOS: 49152 and up)."""


def free_port() -> int:
    """A free loopback port, chosen by the kernel so that two who ask at once get two."""
    return _bound(0)


def lasting_port() -> int:
    """A free loopback port for a server that is killed and started again.

    No outgoing connection takes it meanwhile, because it is below the kernel's own range.
    """
    while True:
        with suppress(OSError):
            return _bound(random.choice(_BELOW_EPHEMERAL))


def _bound(port: int) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])
