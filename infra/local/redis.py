"""Embedded Valkey (Redis-compatible) on a free loopback port."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from infra.local.ports import free_port
from infra.local.redis_node import wait_until
from infra.local.valkey import CONFIGURATION, ValkeyProcess, answers

_KEPT = ("appendonly yes", "appendfsync everysec")
_PORT = re.compile(r"^port (\d+)$", re.MULTILINE)


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


@contextmanager
def kept_redis(folder: Path) -> Iterator[str]:
    """Like `embedded_redis`, but with the data in `folder`, which also outlive a killed server.

    Each change is in a file before its reply; a power failure may lose the last second.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    _stop_orphan(folder)
    server = ValkeyProcess(folder, free_port(), _KEPT)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


def _stop_orphan(folder: Path) -> None:
    """Stop the server that a killed process has left behind on these data, if there is one."""
    configuration = folder / CONFIGURATION
    if not configuration.exists() or not (found := _PORT.search(configuration.read_text())):
        return
    port = int(found[1])
    with Redis(port=port, socket_timeout=5) as orphan, suppress(RedisError):
        if orphan.info("server")["config_file"] == str(configuration):
            orphan.shutdown()
            wait_until(lambda: not answers(port), "the earlier server has stopped")
