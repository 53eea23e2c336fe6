"""`make run`: run the service on this machine, with an embedded Redis and Postgres.

`REDIS_URL`, and `DATABASE_URL` or `SUPABASE_URL`, select external ones instead. `LAN=1` lets other
devices of the network use the service. These and all other settings may be in a file `.env`.
"""

import os
import signal
from contextlib import ExitStack, suppress

from functions.server import server
from infra.local.env_file import load_env_file
from infra.local.ports import require_free_port
from infra.local.postgres import embedded_postgres
from infra.local.reachable import ALL_ADDRESSES, reachable_at
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from shared.composition.container import redis_connection
from shared.settings.connection_urls import masked
from shared.settings.production import require_production_ready
from shared.settings.settings import Settings, read_settings


def main() -> None:
    """Serve until Ctrl-C or SIGTERM; both also stop the embedded servers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    load_env_file()
    if os.environ.get("LAN") == "1":
        os.environ["HOST"] = os.environ.get("HOST") or ALL_ADDRESSES
    os.environ["LOG_LEVEL"] = os.environ.get("LOG_LEVEL") or "WARNING"
    # Production must name its own servers, so check before the embedded ones are set.
    settings = read_settings()
    require_production_ready(settings)
    redis_connection(settings)  # ends the process if REDIS_URL is wrong
    require_free_port(settings.host, settings.port, "run")
    with ExitStack() as stack:
        if not settings.redis_url:
            os.environ["REDIS_URL"] = stack.enter_context(embedded_redis())
        if not (settings.database_url or settings.supabase_url):
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
    lines = reachable_at(settings)
    if settings.database_url:
        lines.insert(1, f"Audit trail: {masked(settings.database_url.get_secret_value())}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
