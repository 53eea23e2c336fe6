"""`make run`: run the service on this machine, with an embedded Redis and Postgres.

Their data are kept in `.data`, or in `DATA_DIR`, so that the next run goes on with them.
`REDIS_URL`, and `DATABASE_URL` or `SUPABASE_URL`, select external ones instead. `LAN=1` lets other
devices of the network use the service. These and all other settings may be in a file `.env`.
"""

import os
import signal
from contextlib import ExitStack, suppress
from pathlib import Path

from functions.server import server
from infra.local.data_folder import kept_data
from infra.local.env_file import load_env_file
from infra.local.ports import require_free_port
from infra.local.postgres import PostgresError, kept_postgres
from infra.local.reachable import ALL_ADDRESSES, reachable_at
from infra.local.redis import kept_redis
from infra.local.valkey import ValkeyError
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
        folder = _start_servers(stack, settings)
        settings = read_settings()
        instance = server(settings)
        instance.on_ready = lambda: print(_ready_message(settings, folder), flush=True)
        stack.enter_context(suppress(KeyboardInterrupt))
        instance.run()


def _start_servers(stack: ExitStack, settings: Settings) -> Path | None:
    """Start the servers that aren't configured, and return the folder of their data.

    `stack` stops them. None if all are configured.

    Ends the process with a sentence if the data can't be used.
    """
    needs_redis = not settings.redis_url
    needs_database = not (settings.database_url or settings.supabase_url)
    if not (needs_redis or needs_database):
        return None
    folder = stack.enter_context(kept_data())
    try:
        if needs_redis:
            os.environ["REDIS_URL"] = stack.enter_context(kept_redis(folder / "redis"))
        if needs_database:
            url = stack.enter_context(kept_postgres(folder / "postgres")).url
            migrate(url)
            os.environ["DATABASE_URL"] = url
    except (ValkeyError, PostgresError) as error:
        raise SystemExit(
            f"The data in {folder} can't be used. {str(error).rstrip('.')}. Delete them with"
            " `make clean-data`, or choose another folder: make run DATA_DIR=..."
        ) from None
    return folder


def _ready_message(settings: Settings, folder: Path | None) -> str:
    lines = reachable_at(settings)
    if settings.database_url:
        lines.insert(1, f"Audit trail: {masked(settings.database_url.get_secret_value())}")
    if folder:
        lines.append(f"Data: {folder}, kept for the next run (make clean-data deletes them)")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
