"""Free loopback ports."""

import random
import socket
from contextlib import suppress

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Below the ephemeral ports of Linux (32768 and up) and macOS (49152 and up)."""


def free_port() -> int:
    """Return a free loopback port; the kernel chooses it, so parallel calls get different ones."""
    return _bind(0)


def restartable_port() -> int:
    """Return a free loopback port for a server that is killed and started again.

    It is below the kernel's ephemeral range, so no outgoing connection takes it in between.
    """
    while True:
        with suppress(OSError):
            return _bind(random.choice(_BELOW_EPHEMERAL))


def _bind(port: int) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])
