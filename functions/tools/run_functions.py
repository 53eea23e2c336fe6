"""`make run-functions`: every function on this machine, each invoked as Lambda would.

They have a Redis behind an Upstash endpoint, a Postgres behind Supabase's API, a Supabase Realtime,
queues and schedules of their own. `REDIS_URL` names another Redis to be used instead.
"""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress

from infra.local.functions import Options, Running, running_functions
from infra.local.functions.serving import listener
from infra.local.postgres import embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import can_run, local_supabase, prepare_project
from infra.local.upstash import local_upstash

_DEFAULT_PORT = 3000
_HANDED_ON = (
    "APP_ENV",
    "CORS_ORIGINS",
    "JWT_JWKS_URL",
    "JWT_SECRET",
    "PUBSUB",
    "RATE_LIMIT_GENERAL",
    "RATE_LIMIT_SWITCH",
    "STORE_SHARDS",
)


def main() -> None:
    """Serve until Ctrl-C or SIGTERM; neither leaves a process behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = int(os.environ.get("PORT", _DEFAULT_PORT))
    _require_free(port)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        settings = _own_settings() | _store(stack) | _supabase(stack)
        options = Options(port=port, log=sys.stderr)
        running = stack.enter_context(running_functions(settings, options))
        print(_greeting(running, settings), flush=True)
        while True:
            signal.pause()


def _own_settings() -> dict[str, str]:
    handed_on = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return handed_on | {"LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}


def _store(stack: ExitStack) -> dict[str, str]:
    """Where the Redis is that lasts as long as `stack`."""
    redis_url = os.environ.get("REDIS_URL") or stack.enter_context(embedded_redis())
    upstash = stack.enter_context(local_upstash(redis_url))
    return {"UPSTASH_REDIS_REST_URL": upstash.url, "UPSTASH_REDIS_REST_TOKEN": upstash.token}


def _supabase(stack: ExitStack) -> dict[str, str]:
    """Where the Supabase project is that lasts as long as `stack`; without Node, nowhere."""
    if not can_run():
        return {}
    url = stack.enter_context(embedded_postgres()).url
    prepare_project(url)
    supabase = stack.enter_context(local_supabase(url))
    return stack.enter_context(local_realtime(url, upstream=supabase.url)).settings()


def _greeting(running: Running, settings: Mapping[str, str]) -> str:
    lines = [
        f"SyncKairos is at {running.url} (Ctrl-C stops it)",
        "The first call of each function starts it, which takes a second or so: a cold start",
    ]
    if project := settings.get("SUPABASE_URL"):
        lines += [
            f"Its audit trail and its pushes are behind {project}, as at Supabase",
            f"How to follow a session: {running.url}/v1/sessions/ID/realtime",
        ]
    else:
        lines.append("It has no audit trail and pushes nothing: Supabase's API needs Node")
    return "\n".join(lines)


def _require_free(port: int) -> None:
    try:
        listener(port).close()
    except OSError as error:
        raise SystemExit(
            f"Port {port} of 127.0.0.1 can't be used ({error.strerror}). "
            f"Choose another one: make run-functions PORT={port + 1}"
        ) from None


if __name__ == "__main__":
    main()
