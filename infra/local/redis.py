"""A real Valkey on a free loopback port, for as long as it is needed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.ports import free_port
from infra.local.valkey import ValkeyProcess


@contextmanager
def embedded_redis(*settings: str) -> Iterator[str]:
    """Start Valkey with these lines of configuration, give its url, stop it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = ValkeyProcess(Path(folder), free_port(), settings)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()
