"""`make run`: the service on this machine, with a Redis of its own unless `REDIS_URL` is set."""

import os
import signal
import socket
from contextlib import ExitStack, suppress

from functions.server import server
from infra.local.redis import embedded_redis
from shared.settings import Settings, read_settings


def main() -> None:
    """Serve until Ctrl-C or SIGTERM; neither leaves the embedded Redis behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    _require_free_port(read_settings())
    with ExitStack() as stack:
        if "REDIS_URL" not in os.environ:
            os.environ["REDIS_URL"] = stack.enter_context(embedded_redis())
        settings = read_settings()
        instance = server(settings)
        instance.on_ready = lambda: print(
            f"SyncKairos is at http://{settings.host}:{settings.port} (Ctrl-C stops it)", flush=True
        )
        stack.enter_context(suppress(KeyboardInterrupt))
        instance.run()


def _require_free_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SystemExit(
                f"Port {settings.port} of {settings.host} can't be used ({error.strerror}). "
                f"Choose another one: make run PORT={settings.port + 1}"
            ) from None


if __name__ == "__main__":
    main()
