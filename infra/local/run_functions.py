"""`make run-functions`: run every Lambda function on this machine, invoked as Lambda does it.

Starts a Redis behind an Upstash endpoint, a Postgres behind Supabase's API, a Supabase Realtime,
queues and schedules. `REDIS_URL` selects another Redis instead. Settings may be in a file `.env`.
"""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress

from infra.local.env_file import load_env_file
from infra.local.functions import LocalFunctions, LocalRunOptions, running_functions
from infra.local.ports import require_free_port
from infra.local.postgres import embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import create_project, is_node_installed, local_supabase
from infra.local.upstash import local_upstash
from shared.composition.container import redis_connection
from shared.settings.settings import read_settings

_FORWARDED = (
    "APP_ENV",
    "CORS_ORIGINS",
    "EMBED_ORIGINS",
    "JWT_JWKS_URL",
    "JWT_SECRET",
    "PUBSUB",
    "RATE_LIMIT_GENERAL",
    "RATE_LIMIT_SWITCH",
    "STORE_SHARDS",
)


def main() -> None:
    """Serve until Ctrl-C or SIGTERM; both also stop all processes that were started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    load_env_file()
    own = read_settings()
    redis_connection(own)  # ends the process if REDIS_URL is wrong
    port = own.port
    require_free_port("127.0.0.1", port, "run-functions")
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        settings = _forwarded_settings() | _start_store(stack) | _start_supabase(stack)
        options = LocalRunOptions(port=port, log=sys.stderr)
        running = stack.enter_context(running_functions(settings, options))
        print(_ready_message(running, settings), flush=True)
        while True:
            signal.pause()


def _forwarded_settings() -> dict[str, str]:
    forwarded = {name: os.environ[name] for name in _FORWARDED if name in os.environ}
    return forwarded | {"LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}


def _start_store(stack: ExitStack) -> dict[str, str]:
    """Start the Upstash endpoint, and a Redis if needed; return the settings that select them."""
    redis_url = os.environ.get("REDIS_URL") or stack.enter_context(embedded_redis())
    upstash = stack.enter_context(local_upstash(redis_url))
    return {"UPSTASH_REDIS_REST_URL": upstash.url, "UPSTASH_REDIS_REST_TOKEN": upstash.token}


def _start_supabase(stack: ExitStack) -> dict[str, str]:
    """Start a Supabase project and return the settings that select it; none without Node."""
    if not is_node_installed():
        return {}
    url = stack.enter_context(embedded_postgres()).url
    create_project(url)
    supabase = stack.enter_context(local_supabase(url))
    return stack.enter_context(local_realtime(url, upstream=supabase.url)).settings()


def _ready_message(running: LocalFunctions, settings: Mapping[str, str]) -> str:
    lines = [
        f"SyncKairos runs at {running.url} (Ctrl-C stops it)",
        "The first call of each function takes about a second longer (cold start)",
    ]
    if project := settings.get("SUPABASE_URL"):
        lines += [
            f"Audit trail and pushes: a local Supabase project at {project}",
            f"To follow a session, see {running.url}/v1/sessions/ID/realtime",
        ]
    else:
        lines.append("No audit trail and no pushes: the local Supabase project needs Node")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
