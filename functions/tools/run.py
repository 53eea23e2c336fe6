"""`make run`: the service on this machine, with a Redis and a Postgres of its own.

`REDIS_URL`, and `DATABASE_URL` or `SUPABASE_URL`, name others to be used instead.
"""

import os
import signal
import socket
from contextlib import ExitStack, suppress

from functions.server import server
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from shared.production import require_production_ready
from shared.settings import Settings, read_settings


def main() -> None:
    """Serve until Ctrl-C or SIGTERM; neither leaves an embedded server behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["LOG_LEVEL"] = os.environ.get("LOG_LEVEL") or "WARNING"
    require_production_ready(read_settings())  # which has no servers of its own
    _require_free_port(read_settings())
    with ExitStack() as stack:
        if not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = stack.enter_context(embedded_redis())
        if not (os.environ.get("DATABASE_URL") or os.environ.get("SUPABASE_URL")):
            os.environ["DATABASE_URL"] = _own_database(stack)
        settings = read_settings()
        instance = server(settings)
        instance.on_ready = lambda: print(_greeting(settings), flush=True)
        stack.enter_context(suppress(KeyboardInterrupt))
        instance.run()


def _own_database(stack: ExitStack) -> str:
    """The url of a migrated Postgres that lasts as long as `stack`."""
    url = stack.enter_context(embedded_postgres()).url
    migrate(url)
    return url


def _greeting(settings: Settings) -> str:
    lines = [f"SyncKairos is at http://{settings.host}:{settings.port} (Ctrl-C stops it)"]
    if "127.0.0.1" in (url := os.environ.get("DATABASE_URL", "")):
        lines.append(f"Its audit trail is in {url}")
    return "\n".join(lines)


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
