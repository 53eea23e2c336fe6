"""Embedded Valkey (Redis-compatible) on a free loopback port."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.ports import free_port
from infra.local.valkey import ValkeyProcess


@contextmanager
def embedded_redis(*settings: str) -> Iterator[str]:
    """Start Valkey, yield its URL, and stop it after the block.

    `settings` are lines of its configuration file. Raises `ValkeyError`.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = ValkeyProcess(Path(folder), free_port(), settings)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()
