"""`make run`: run the service on this machine, with an embedded Redis and Postgres.

`REDIS_URL`, and `DATABASE_URL` or `SUPABASE_URL`, select external ones instead.
"""

import os
import signal
import socket
from contextlib import ExitStack, suppress

from functions.server import server
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from shared.settings.production import require_production_ready
from shared.settings.settings import Settings, read_settings


def main() -> None:
    """Serve until Ctrl-C or SIGTERM; both also stop the embedded servers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["LOG_LEVEL"] = os.environ.get("LOG_LEVEL") or "WARNING"
    # Production must name its own servers, so check before the embedded ones are set.
    require_production_ready(read_settings())
    _require_free_port(read_settings())
    with ExitStack() as stack:
        if not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = stack.enter_context(embedded_redis())
        if not (os.environ.get("DATABASE_URL") or os.environ.get("SUPABASE_URL")):
            os.environ["DATABASE_URL"] = _start_database(stack)
        settings = read_settings()
        instance = server(settings)
        instance.on_ready = lambda: print(_ready_message(settings), flush=True)
        stack.enter_context(suppress(KeyboardInterrupt))
        instance.run()


def _start_database(stack: ExitStack) -> str:
    """Start a migrated Postgres that `stack` stops, and return its URL."""
    url = stack.enter_context(embedded_postgres()).url
    migrate(url)
    return url


def _ready_message(settings: Settings) -> str:
    lines = [f"SyncKairos runs at http://{settings.host}:{settings.port} (Ctrl-C stops it)"]
    if "127.0.0.1" in (url := os.environ.get("DATABASE_URL", "")):
        lines.append(f"Audit trail: {url}")
    return "\n".join(lines)


def _require_free_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SystemExit(
                f"Can't listen on port {settings.port} of {settings.host} ({error.strerror}). "
                f"Choose another port: make run PORT={settings.port + 1}"
            ) from None


if __name__ == "__main__":
    main()
