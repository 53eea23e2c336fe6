"""Ports that nobody listens on."""

import socket


def free_port() -> int:
    """A free loopback port, chosen by the kernel so that two who ask at once get two."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
